#!/usr/bin/env bash
# Sets up Bark Voice Studio in .venv, and on demand starts it or runs its tests.
# Coqui's voice converters (--with tts) go into .venv-tts: their libraries do not fit beside ours.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

TORCH=2.13.0                                   # the version we test with
CPU_WHEELS=https://download.pytorch.org/whl/cpu # PyTorch's own builds without CUDA
NEEDED_MB=3000                                 # runtime 1.4 GB, tools for the tests, Ray, room for pip
TTS_NEEDED_MB=9000                             # the same for .venv-tts, whose PyTorch has CUDA
TTS_CPU_NEEDED_MB=4000                         # and without CUDA
VENV=.venv
LOG=$VENV/install.log

usage() {
  cat <<'HELP'
Usage: ./install.sh [options]                set everything up in .venv
       ./install.sh [options] run [flags]    set everything up and start the page; flags go to app.py
       ./install.sh [options] test [args]    set everything up and run the tests; args go to pytest

Options:
  --cpu            take PyTorch's smaller build without CUDA (for Linux machines without an NVIDIA card)
  --with EXTRA     also install an extra: the tools for the tests (dev), Ray to compute on several
                   machines (ray), tools for assistants (mcp), or Coqui's voice converters (tts),
                   which get an environment of their own, .venv-tts, and never touch .venv
  --python PATH    use this Python (3.11 to 3.13) instead of the first one found
  -h, --help       show this text

Running it again changes nothing that is already in place; --cpu and --python count the first time.
HELP
}

say() { printf '== %s\n' "$*"; }
fail() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}

is_supported_python() {
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

find_python() {
  local candidate
  if [ -n "$python" ]; then
    is_supported_python "$python" || fail "$python is not Python 3.11, 3.12 or 3.13."
    return
  fi
  for candidate in python3.11 python3.12 python3.13 python3 python; do
    if is_supported_python "$candidate"; then
      python=$candidate
      return
    fi
  done
  fail "Python 3.11, 3.12 or 3.13 was not found; install one, or name it with --python PATH."
}

make_environment() {
  if [ -x "$VENV/bin/python" ]; then
    is_supported_python "$VENV/bin/python" ||
      fail "the environment in $VENV does not run Python 3.11 to 3.13; delete $VENV and run this again."
    [ -z "$python" ] || say "$VENV is there already ($("$VENV/bin/python" --version)), so --python changes nothing."
    return
  fi
  find_python
  need_space
  say "Making the environment $VENV with $("$python" --version)"
  "$python" -m venv "$VENV" >/dev/null 2>&1 || {
    rm -rf "$VENV"
    fail "$python cannot make an environment; install its venv module (on Debian: apt install python3-venv)."
  }
}

need_space() {
  local free
  free=$(df -Pm . | awk 'NR == 2 { print $4 }')
  [ "${free:-$NEEDED_MB}" -ge "$NEEDED_MB" ] ||
    fail "this disk has $free MB free and the install needs $NEEDED_MB MB; make room and run this again."
}

# The packages of an extra, one a line, as pyproject.toml pins them.
extra_packages() {
  "$VENV/bin/python" - "$1" <<'PYTHON'
import sys
import tomllib

with open("pyproject.toml", "rb") as file:
    extras = tomllib.load(file)["project"]["optional-dependencies"]
if sys.argv[1] not in extras:
    sys.exit(1)
print("\n".join(extras[sys.argv[1]]))
PYTHON
}

# Run pip with its downloads shown and everything else in the log; explain a failure in one sentence.
pip_install() {
  : >"$LOG"
  "$VENV/bin/python" -m pip install --disable-pip-version-check --retries 2 "$@" 2>&1 |
    tee -a "$LOG" |
    awk '/^ *Downloading/ { print; fflush() } /^Installing collected/ { print "  Unpacking"; fflush() }'
}

explain_failure() {
  if grep -q 'No space left on device' "$LOG"; then
    fail "the disk is full; make $NEEDED_MB MB of room and run this again."
  elif grep -q 'No module named pip' "$LOG"; then
    fail "the environment in $VENV is damaged; delete $VENV and run this again."
  elif grep -qE 'NewConnectionError|NameResolutionError|ConnectTimeout|ProxyError|Temporary failure' "$LOG"; then
    fail "the package registry cannot be reached; check the network and run this again (details: $LOG)."
  fi
  fail "pip could not install $1; its reason stands at the end of $LOG."
}

# install NAME STAMP_TEXT ARGS...: let pip install ARGS unless that was done before with the same text.
install() {
  local name=$1 text=$2 stamp="$VENV/.installed-$1"
  shift 2
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$text" ]; then
    return 0
  fi
  need_space
  say "Installing $name"
  pip_install "$@" || return 1
  printf '%s\n' "$text" >"$stamp"
}

install_runtime() {
  local index=
  if [ -n "$cpu" ]; then index="--index-url $CPU_WHEELS"; fi
  [ -f "$VENV/.installed-torch" ] || hint_cpu
  # shellcheck disable=SC2086  # an option and its value, or nothing
  install torch "$TORCH" "torch==$TORCH" $index || explain_failure "torch $TORCH"
  install requirements "$(cat requirements.txt)" "torch==$TORCH" -r requirements.txt ||
    explain_failure "requirements.txt"
  install nodeps "$(cat requirements-nodeps.txt)" --no-deps -r requirements-nodeps.txt ||
    say "The speaker encoder could not be installed, nor the watermark: clones are not compared with their speaker, and nothing is marked. The next run tries again."
}

hint_cpu() {
  if [ -z "$cpu" ] && [ "$(uname -s)" = Linux ] && ! command -v nvidia-smi >/dev/null 2>&1; then
    say "No NVIDIA card seen. If the next step starts to download CUDA (2 GB and more), ./install.sh --cpu avoids it."
  fi
}

install_extra() {
  local packages
  packages=$(extra_packages "$1") || fail "there is no extra '$1'; pyproject.toml lists them."
  # shellcheck disable=SC2086  # one word per package is what pip wants
  install "$1" "$packages" "torch==$TORCH" $packages
}

# Ray in .venv; the file of paths lets the processes that a cluster starts there find the app.
install_ray() {
  local packages
  install ray "$(cat requirements-ray.txt)" "torch==$TORCH" -r requirements.txt -r requirements-ray.txt || return 1
  packages=$("$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  pwd >"$packages/bark-voice-studio.pth"
}

# Coqui's libraries in .venv-tts. Runs in a shell of its own, so that VENV and LOG change only here.
install_tts() (
  VENV=.venv-tts
  LOG=$VENV/install.log
  NEEDED_MB=$TTS_NEEDED_MB
  # Its torchaudio on PyPI wants CUDA's PyTorch, which === asks for where both kinds can be had.
  torch="torch===$TORCH" index=
  if [ -n "$cpu" ]; then
    torch="torch==$TORCH" index="--index-url $CPU_WHEELS" NEEDED_MB=$TTS_CPU_NEEDED_MB
  fi
  torchaudio=$(grep '^torchaudio==' requirements-tts.txt)
  wanted="$torch $index $(cat requirements-tts.txt)"
  if [ -f "$VENV/.ready" ] && [ "$(cat "$VENV/.ready")" = "$wanted" ]; then
    return 0
  fi
  make_environment
  rm -f "$VENV/.ready"
  # shellcheck disable=SC2086  # an option and its value, or nothing
  install tts-torch "$torch $index $torchaudio" "$torch" "$torchaudio" $index ||
    explain_failure "PyTorch for Coqui's converters"
  install tts "$(cat requirements-tts.txt)" "$torch" -r requirements-tts.txt ||
    explain_failure "requirements-tts.txt"
  "$VENV/bin/python" -c 'import TTS.api' >>"$LOG" 2>&1 ||
    fail "Coqui's converters are installed but do not start; the reason stands at the end of $LOG."
  printf '%s\n' "$wanted" >"$VENV/.ready"
)

python=
cpu=
extras=
command=
while [ $# -gt 0 ] && [ -z "$command" ]; do
  case "$1" in
  --cpu) cpu=yes ;;
  --with | --python)
    [ $# -ge 2 ] || fail "$1 needs a value; ./install.sh --help shows how."
    if [ "$1" = --with ]; then extras="$extras $2"; else python=$2; fi
    shift
    ;;
  run | test) command=$1 ;;
  -h | --help)
    usage
    exit 0
    ;;
  *) fail "'$1' is not known; ./install.sh --help shows what is." ;;
  esac
  shift
done

make_environment
install_runtime
if [ "$command" = test ]; then
  install_extra dev || explain_failure "the tools for the tests"
  extras="ray $extras"
fi
for extra in $extras; do
  case "$extra" in
  tts) install_tts || exit 1 ;;
  ray) install_ray || explain_failure "Ray" ;;
  *) install_extra "$extra" || explain_failure "the extra '$extra'" ;;
  esac
done

case "$command" in
run)
  say "Starting the page"
  exec "$VENV/bin/python" app.py "$@"
  ;;
test)
  say "Running the tests"
  export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" # the tests run side by side
  exec "$VENV/bin/python" -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder "$@"
  ;;
*) say "Ready. ./install.sh run starts the page, $VENV/bin/python -m webui --help shows the command line." ;;
esac
