"""Texts to read aloud for a recording, one a language: about nine seconds, ending in a pause."""

from webui.ui.messages import language_name, plain

TEXTS = {
    "en": "The river runs slowly past the old mill. In summer, children sit on the wall and count "
    "the boats until the sun goes down.",
    "de": "Der Fluss fließt langsam an der alten Mühle vorbei. Im Sommer sitzen Kinder auf der "
    "Mauer und zählen die Boote, bis die Sonne untergeht.",
    "es": "El río pasa despacio junto al viejo molino. En verano los niños se sientan en el muro "
    "y cuentan las barcas hasta que se pone el sol.",
    "fr": "La rivière coule lentement devant le vieux moulin. En été, les enfants s'assoient sur "
    "le mur et comptent les bateaux jusqu'au coucher du soleil.",
    "hi": "नदी पुरानी चक्की के पास से धीरे-धीरे बहती है। गर्मियों में बच्चे दीवार पर बैठकर "
    "सूरज डूबने तक नावें गिनते हैं।",
    "it": "Il fiume scorre lento accanto al vecchio mulino. D'estate i bambini si siedono sul muro "
    "e contano le barche finché il sole tramonta.",
    "ja": "川は古い水車小屋のそばをゆっくり流れています。夏になると、子どもたちは塀にすわり、"
    "日が沈むまで舟を数えます。",
    "ko": "강물이 오래된 물레방앗간 옆을 천천히 흐릅니다. 여름이면 아이들이 담 위에 앉아 "
    "해가 질 때까지 배를 셉니다.",
    "pl": "Rzeka płynie powoli obok starego młyna. Latem dzieci siadają na murku i liczą łodzie, "
    "aż zajdzie słońce.",
    "pt": "O rio passa devagar junto ao velho moinho. No verão, as crianças sentam-se no muro "
    "e contam os barcos até o sol se pôr.",
    "ru": "Река медленно течёт мимо старой мельницы. Летом дети сидят на стене и считают лодки, "
    "пока не сядет солнце.",
    "tr": "Nehir eski değirmenin yanından yavaşça akar. Yazın çocuklar duvara oturur ve güneş "
    "batana kadar tekneleri sayar.",
    "zh": "小河慢慢地流过老磨坊。夏天，孩子们坐在墙上数船，一直数到太阳下山。",
}


def reading_words(language: object) -> str:
    """The text of a language with how to read it, as markdown."""
    code = language if isinstance(language, str) and language in TEXTS else "en"
    how = f"Read this in {language_name(code)}, then wait a second before you stop."
    return f"{plain(how)}\n\n> {plain(TEXTS[code])}"
