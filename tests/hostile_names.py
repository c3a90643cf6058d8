"""Names that somebody gives a voice in order to write where nobody should."""

TRAVERSALS = (
    "../x", "../../x", "/etc/passwd", "//host/share", "..\\..\\x", "C:\\x", "C:x", "\\\\host\\x",
    "a/b", "a/../../b", "./x", ".", "..", "...", "....//x", "~", "~root", "a/", "/", "\\",
    "speakers/../../x", "x/.", "x/..", "file:///etc/passwd", "http://host/x", "\\\\?\\C:\\x",
)  # fmt: skip
ENCODED = (
    "%2e%2e%2f", "%2e%2e/", "..%2f", "%252e%252e%252f", "..%c0%af", "%00", "..\u2215x", "..\u2044x",
    "\uff0e\uff0e\uff0fx", "\u2024\u2024/x", "&#46;&#46;/", "\\x2e\\x2e/", "..;/x", "..\u00b7/",
)  # fmt: skip
DEVICES = (
    "con", "CON", "con.npz", "NUL", "nul.txt", "PRN", "AUX", "com1", "COM9", "lpt1", "LPT9",
    "CLOCK$", "con ", "con.", " NUL", "nul:", "aux.npz:stream", "x:stream", "CONIN$", "CONOUT$",
)  # fmt: skip
HIDDEN = (
    ".hidden", ".lock", ".favourites.json", ".trash", ".trash/x", ".part", ".x.part", ".git",
    "-rf", "--", "-", "_", "README.md", "__init__.py", "x.py", "x.npz", "x.npz.part", "x.npz/",
    ".npz", "..npz",
)  # fmt: skip
SHELLS = (
    "$(rm -rf .)", "`touch x`", "; touch x", "| touch x", "&& touch x", "$HOME", "%PATH%", "*",
    "?", "[a]", "{a,b}", "'x'", '"x"', "x > y", "<x", "x\\", "!x", "#x", "x;y", "x&y",
)  # fmt: skip
CONTROLS = tuple(f"a{chr(code)}b" for code in (*range(32), 127, 133, 0x2028, 0x2029))
UNSEEN = (
    "", " ", "\t", "\u202exyz", "a\u200bb", "\ufeffa", "a\u2066b", "\u00ad", "\u180e", "a\u00a0b",
    "\u0301", "a" + "\u0301" * 200, "\ud800", "a\udfffb", "\U000e0041", "\ufffe",
)  # fmt: skip
STRANGE = (
    "a" * 500, "a" * 10**6, "♪♪", "ﬁle", "ß" * 100, "İ", "ⅷ", "声", "🐕" * 70, "nan", "None",
    "0", "-0", "1e309", "true", "null", "<img src=x onerror=alert(1)>", "{{7*7}}", "${7*7}",
    "' OR 1=1 --",
)  # fmt: skip
HOSTILE_NAMES = (
    *TRAVERSALS, *ENCODED, *DEVICES, *HIDDEN, *SHELLS, *CONTROLS, *UNSEEN, *STRANGE,
)  # fmt: skip
