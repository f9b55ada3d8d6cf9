"""Letters beyond ASCII of languages, and common words that have some: they tell which of two readings is a language."""

from __future__ import annotations

_LANGUAGES = {  # small letters | words
    "Afrikaans": "áèéêëíîïóôöúûü | sê hê môre reën geïnteresseerd",
    "Albanian": "çë | është dhe për në që çdo një më të si këtë janë nga",
    "Arabic": " | من في على إلى أن هذا هذه ما لا مع أو التي كان",
    "Belarusian": "абвгдеёжзійклмнопрстуўфхцчшыьэюя | што гэта як для або ад да не на і з у",
    "Bulgarian": "абвгдежзийклмнопрстуфхцчшщъьюя | се от за да на не са това или по които в",
    "Catalan": "àçéèíïóòúü· | és però això també perquè només què així sessió informació més català",
    "Croatian": "čćđšž | što će šta više može još kuća već će će",
    "Czech": "áčďéěíňóřšťúůýž | že jsem být tě už když může také číslo které která při děkuji této",
    "Danish": "æøåéóüä | på når også få være år før måned måske å",
    "Dutch": "éëïóöüáèêí | één vóór reünie ideeën coördinator België financiële",
    "English": "éèêëïñôçü | café résumé naïve",
    "Esperanto": "ĉĝĥĵŝŭ | ĉi ankaŭ ĝi ŝi aŭ",
    "Estonian": "äöõüšž | või üle kõik päev võib tänan õhtu on",
    "Finnish": "åäöšž | että myös hyvää päivää tämä tässä sähköposti jälkeen päivä",
    "French": "àâæçéèêëîïôœùûüÿ | à où déjà été même très après être reçu société année février août français ça là",
    "German": "äöüßéàè | für über können müssen größe schön grüße straße möchten würde wäre natürlich früh spät",
    "Greek": " | και το να είναι της την του για με από στο δεν σας",
    "Hebrew": " | של את על לא הוא גם עם או זה אל כי",
    "Hungarian": "áéíóöőúüű | és kérem köszönöm több már után őszi két ő című is új",
    "Icelandic": "áðéíóúýþæö | það við þú ég góðan fyrir þetta að þegar frá",
    "Irish": "áéíóú | tá é sé go mé níl",
    "Italian": "àèéìíîòóùú | è più perché però città già così né sarà società può",
    "Kurdish": "çêîşû | û jî bê",
    "Latvian": "āčēģīķļņōŗšūž | kā šo māte būs tā jūsu pēc līdz",
    "Lithuanian": "ąčęėįšųūž | ačiū už iš žinių šių kurių jūsų į",
    "Macedonian": "абвгдѓежзѕијклљмнњопрстќуфхцчџшѐѝ | е се од за на да не што и во",
    "Maltese": "ċġħżàèìòù | għal jiġi ħafna",
    "Norwegian": "æøåéóôèòâ | på når også få først måned være får så år før må å",
    "Persian": " | از به را در با اين است که مي براي تا",
    "Polish": "ąćęłńóśźż | się że są być także już dziękuję proszę może będzie której które",
    "Portuguese": "àáâãçéêíóôõúü | não é são está também já até você à informação número após três então há só",
    "Romanian": "ăâîșțşţ | şi în să că când după până vă această",
    "Russian": "абвгдеёжзийклмнопрстуфхцчшщъыьэюя | не на что это как для или по из от до все был она мы вы за и в с",
    "Serbian": "абвгдђежзијклљмнњопрстћуфхцчџш | је су да се од за на не који или у",
    "Slovak": "áäčďéíĺľňóôšťúýž | že už môže ďakujem ktorý ktoré ďalej číslo päť sú",
    "Slovene": "čšž | že če še več šest ključ čez",
    "Spanish": "áéíóúñü | el niño señor año años español está también más qué cómo información mañana día aquí según",
    "Swedish": "åäöéàü | på är för från över när också två före måste går så år",
    "Thai": " | และ ที่ ใน การ เป็น ของ",
    "Turkish": "çğıiöşüâîû\u0307 | için çok değil teşekkür gün olduğu güzel değer bütün sayın türkiye",
    "Ukrainian": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя | що та як це для або від до які його не на за і з у",
    "Vietnamese": "ăâđêôơưạảãàáấầẩẫậắằẳẵặẹẻẽèéếềểễệịỉĩìíọỏõòóốồổỗộớờởỡợụủũùúứừửữựỳỵỷỹý"
    " | và của là các không có một được người với",
    "Welsh": "âêîôûŵŷáëïöä | tŷ ŵyl dŵr",
}
ALPHABETS = [frozenset(line.split("|")[0].strip()) for line in _LANGUAGES.values() if line[0] != " "]
WORDS = frozenset(
    w for line in _LANGUAGES.values() for w in line.split("|")[1].split() if len(w) > 1 and not w.isascii()
)
