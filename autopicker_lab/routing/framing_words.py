"""Words that frame a question and are not what it asks: what grammar needs, courtesies, and how to answer.

None is a question word ("who", "how"): these tell kinds of questions apart.
"""

from __future__ import annotations

import re
from functools import lru_cache

_GRAMMAR = """
a an the this that these those it its he him his she her hers they them their theirs we us our ours you your yours i
me my mine myself yourself itself themselves ourselves himself herself is are was were be been being am do does did
doing done have has had having will would shall should can could may might must ought let lets and or but nor so yet
if then than because as while although though unless until since whether of in on at by for from to into onto with
without within about above below under over between among through during before after against along across around
behind beside beyond near off out up down upon toward towards per via here there now again once also too very just
only even still already ever always often sometimes usually really quite rather much many more most less least few
some any all both each every either neither other others another such same own no not one ones something anything
nothing everything someone anyone everyone thing things way ways bit lot im ive id ill youre youve dont doesnt didnt
cant couldnt wont wouldnt isnt arent thats heres theres whats s t d ll re ve m
"""
_REQUEST = """
hi hello hey hiya dear greetings good morning afternoon evening day folks team friend buddy mate guys
sir madam ai please kindly thank thanks thankful grateful appreciate appreciated cheers regards sincerely best wishes
warm kind sorry excuse welcome advance bye goodbye luck nice great wonderful awesome weekend help helps helpful
helping assist assistance assistant assistants chatbot bot model language expert experts expertise specialist
professional professor tutor teacher student students knowledgeable experienced experience skilled careful accurate
honest friendly intelligent advanced answer answers answering answered reply replies replying
respond responds response responses question questions query task tasks problem problems exercise following follows
given provide provides provided give gives giving tell tells told show shows say says said ask asks asked asking write
return output outputs print present state want wants wanted need needs needed like try trying think thinking thought
step steps stepwise reason reasoning explain explains explanation explaining justify describe detail details detailed
carefully accurately correctly precisely precise possible exactly briefly brief short shortly concise concisely clear
clearly simple simply directly direct quick quickly fast properly thoroughly fully complete completely final finally
result results end ending start first last next single two three word words sentence sentences phrase paragraph line
lines letter letters number bullet points list format formatted json yaml xml markdown plain text key table
value choose choice choices choosing select selecting pick option options correct right wrong true sure unsure know
knows knowing known guess guessing make makes made invent believe double check checking verify mistakes mistake
additional extra further else instead english user human system prompt instruction instructions input context assume
act acting role play pretend imagine based using use used work working read reading look looking take taking time
seriously important matters get got stuck wondering wonder curious understand understanding learn learning hope
forward hearing back soon today tomorrow yesterday tonight week minute moment colleague boss exam test homework quiz
preparing q
"""
_ELSEWHERE = """
bitte danke dank hallo guten tag morgen abend liebe lieber grüße gruß freundliche freundlichen viele vielen beantworte
beantworten antworte antworten frage fragen folgende folgenden mir kannst können könnten helfen hilfe bonjour salut
merci beaucoup cordialement réponds répondez répondre réponse question suivante peux pouvez pourriez aider aide avance
svp plaît hola buenos días buenas tardes gracias saludos favor responde responda contesta respuesta pregunta siguiente
puedes podrías ayudar ayudarme ayuda antemano ciao buongiorno salve grazie mille cordiali saluti rispondi rispondere
risposta domanda seguente puoi potresti aiutarmi aiuto favore anticipo olá bom dia obrigado obrigada cumprimentos
responder resposta pergunta seguinte pode poderia ajudar ajuda goedendag bedankt groeten beantwoord antwoord vraag
volgende kun kunt helpen hulp alstublieft alvast привет здравствуйте спасибо большое пожалуйста ответь ответьте ответ
вопрос следующий помоги помогите заранее уважением
"""
FRAMING = frozenset(f"{_GRAMMAR} {_REQUEST} {_ELSEWHERE}".split())
_LONGEST = 40  # letters of a word that are looked at: what has no spaces is one word
_NOT_WORD = re.compile(r"[\W_]+")


def frames(word: str) -> bool:
    """Whether a folded word only frames a question, or is a mark."""
    return _frames(word[:_LONGEST])


@lru_cache(20_000)
def _frames(word: str) -> bool:
    plain = _NOT_WORD.sub("", word)
    return not plain or plain in FRAMING
