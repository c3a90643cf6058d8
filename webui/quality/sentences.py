"""The two sentences that every clone says for its report, by language.

Short everyday words that a recogniser knows, a sentence each of one and of two clauses. They are
fixed, so that reports of different voices can be compared.
"""

SENTENCES = {
    "de": ("Die Nacht ist kalt und der Wind ist stark.", "Ich hätte gern eine Tasse Kaffee."),
    "en": ("The night is cold and the wind is strong.", "I would like a cup of coffee, please."),
    "es": ("La noche es fría y el viento es fuerte.", "Quisiera una taza de café, por favor."),
    "fr": ("La nuit est froide et le vent est fort.", "Je voudrais une tasse de café."),
    "hi": ("रात ठंडी है और हवा तेज़ है।", "मुझे एक कप कॉफ़ी चाहिए।"),
    "it": ("La notte è fredda e il vento è forte.", "Vorrei una tazza di caffè, per favore."),
    "ja": ("夜は寒くて風が強いです。", "コーヒーを一杯お願いします。"),
    "ko": ("밤은 춥고 바람은 강합니다.", "커피 한 잔 주세요."),
    "pl": ("Noc jest zimna, a wiatr jest silny.", "Poproszę filiżankę kawy."),
    "pt": ("A noite está fria e o vento está forte.", "Eu queria uma xícara de café, por favor."),
    "ru": ("Ночь холодная, и ветер сильный.", "Я хотел бы чашку кофе, пожалуйста."),
    "tr": ("Gece soğuk ve rüzgar kuvvetli.", "Bir fincan kahve istiyorum, lütfen."),
    "zh": ("夜晚很冷，风很大。", "请给我一杯咖啡。"),
}  # fmt: skip
"""Bark's thirteen languages."""


def report_sentences(language: str) -> tuple[str, str]:
    """Give the two sentences of a language (ISO 639 code); English where there are none."""
    return SENTENCES.get(language, SENTENCES["en"])
