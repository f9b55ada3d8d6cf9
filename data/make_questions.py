# /// script
# requires-python = ">=3.11"
# ///
"""Write data/outcomes/questions.jsonl: verifiable questions from easy to hard (`uv run data/make_questions.py`).

Everything is invented or computed here; answers of computed questions are computed, never typed. A line has
`prompt_id, task, language, level (1 easy to 3 hard), prompt, grader, answer, max_tokens`: what `autopicker collect`
reads.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

OUT = Path(__file__).parent / "outcomes" / "questions.jsonl"
Question = dict[str, Any]


def question(
    task: str, level: int, prompt: str, grader: str, answer: Any, *, tokens: int = 48, language: str = "en"
) -> Question:
    return {
        "task": task,
        "language": language,
        "level": level,
        "prompt": prompt,
        "grader": grader,
        "answer": answer,
        "max_tokens": tokens,
    }


def arithmetic(draw: random.Random) -> Iterator[Question]:
    def ask(level: int, expression: str) -> Question:
        text = expression.replace("*", "×").replace("//", "÷")
        return question(
            "arithmetic", level, f"What is {text}? Reply with the number only.", "numeric", eval(expression)
        )

    for _ in range(14):
        yield ask(1, f"{draw.randint(2, 60)} {draw.choice('+-')} {draw.randint(2, 40)}")
    for _ in range(12):
        yield ask(1, f"{draw.randint(3, 12)} * {draw.randint(3, 12)}")
    for _ in range(14):
        yield ask(2, f"{draw.randint(12, 99)} * {draw.randint(6, 49)}")
    for _ in range(10):
        a, b, c = draw.randint(4, 30), draw.randint(2, 12), draw.randint(10, 90)
        yield ask(2, f"({a} + {b}) * {draw.randint(2, 9)} - {c}")
    for _ in range(10):
        yield ask(3, f"{draw.randint(123, 987)} * {draw.randint(112, 989)}")
    for _ in range(8):
        d = draw.randint(7, 29)
        yield ask(3, f"{d * draw.randint(101, 899)} // {d}")


STORIES = {
    "en": (
        "{name} buys {a} {things} at {p} euros each and pays with a {n}-euro note. How many euros are given back?",
        "A train covers {v} kilometres an hour. How many kilometres does it cover in {h} hours?",
        "{name} reads {a} pages a day for {h} days and then {b} pages more. How many pages are read in all?",
        "A shop has {big} {things}. In the morning it sells {a}, in the afternoon twice as many. How many are left?",
        "{k} workers need {d} days for a wall. How many days do {k2} workers need at the same pace?",
        "A tank holds {big} litres. It loses {a} litres an hour and gains {b} litres an hour. "
        "How many litres are in it after {h} hours?",
    ),
    "de": (
        "{name} kauft {a} {things} zu je {p} Euro und zahlt mit einem {n}-Euro-Schein. Wie viele Euro kommen zurück?",
        "Ein Zug fährt {v} Kilometer in der Stunde. Wie viele Kilometer fährt er in {h} Stunden?",
        "{name} liest {h} Tage lang {a} Seiten am Tag und danach noch {b} Seiten. Wie viele Seiten sind es zusammen?",
        "Ein Laden hat {big} {things}. Morgens verkauft er {a}, nachmittags doppelt so viele. Wie viele bleiben übrig?",
        "{k} Arbeiter brauchen {d} Tage für eine Mauer. Wie viele Tage brauchen {k2} Arbeiter bei gleichem Tempo?",
        "Ein Tank enthält {big} Liter. Er verliert {a} Liter und gewinnt {b} Liter in der Stunde. "
        "Wie viele Liter sind es nach {h} Stunden?",
    ),
    "fr": (
        "{name} achète {a} {things} à {p} euros pièce et paie avec un billet de {n} euros. "
        "Combien d'euros lui rend-on ?",
        "Un train parcourt {v} kilomètres par heure. Combien de kilomètres parcourt-il en {h} heures ?",
        "{name} lit {a} pages par jour pendant {h} jours, puis encore {b} pages. Combien de pages en tout ?",
        "Un magasin a {big} {things}. Le matin il en vend {a}, l'après-midi deux fois plus. Combien en reste-t-il ?",
        "{k} ouvriers mettent {d} jours pour un mur. Combien de jours mettent {k2} ouvriers au même rythme ?",
        "Une cuve contient {big} litres. Elle perd {a} litres et gagne {b} litres par heure. "
        "Combien de litres après {h} heures ?",
    ),
    "es": (
        "{name} compra {a} {things} a {p} euros cada uno y paga con un billete de {n} euros. "
        "¿Cuántos euros le devuelven?",
        "Un tren recorre {v} kilómetros por hora. ¿Cuántos kilómetros recorre en {h} horas?",
        "{name} lee {a} páginas al día durante {h} días y luego {b} páginas más. ¿Cuántas páginas son en total?",
        "Una tienda tiene {big} {things}. Por la mañana vende {a}, por la tarde el doble. ¿Cuántos quedan?",
        "{k} obreros tardan {d} días en un muro. ¿Cuántos días tardan {k2} obreros al mismo ritmo?",
        "Un depósito tiene {big} litros. Pierde {a} litros y gana {b} litros por hora. "
        "¿Cuántos litros hay después de {h} horas?",
    ),
}
THINGS = {"en": "notebooks", "de": "Hefte", "fr": "cahiers", "es": "cuadernos"}
FINISH = {
    "en": "Think step by step, briefly, and end with 'Answer: ' and the number.",
    "de": "Denke kurz Schritt für Schritt und ende mit 'Antwort: ' und der Zahl.",
    "fr": "Réfléchis brièvement étape par étape et termine par 'Réponse : ' et le nombre.",
    "es": "Piensa brevemente paso a paso y termina con 'Respuesta: ' y el número.",
}


def stories(draw: random.Random) -> Iterator[Question]:
    for language, templates in STORIES.items():
        for i, template in enumerate(templates):
            for _ in range(5 if language == "en" else 3):
                k = draw.randint(2, 6)
                f = draw.randint(2, 4)
                v = {
                    "name": draw.choice(["Ines", "Tomas", "Mara", "Jon", "Lena", "Pavel"]),
                    "things": THINGS[language],
                    "a": draw.randint(3, 12),
                    "b": draw.randint(13, 40),
                    "p": draw.randint(2, 6),
                    "n": 100,
                    "v": draw.randint(45, 140),
                    "h": draw.randint(2, 9),
                    "big": draw.randint(150, 480),
                    "k": k,
                    "k2": k * f,
                    "d": f * draw.randint(2, 9),
                }
                answers = (
                    v["n"] - v["a"] * v["p"],
                    v["v"] * v["h"],
                    v["a"] * v["h"] + v["b"],
                    v["big"] - 3 * v["a"],
                    v["d"] // f,
                    v["big"] + (v["b"] - v["a"]) * v["h"],
                )
                level = (2, 1, 2, 2, 3, 3)[i]
                prompt = f"{template.format(**v)} {FINISH[language]}"
                yield question("word problems", level, prompt, "numeric", answers[i], tokens=110, language=language)


CAPITALS = {  # country in en, de, fr, es; then what its capital may be called
    1: [
        ("France", "Frankreich", "la France", "Francia", "Paris"),
        ("Italy", "Italien", "l'Italie", "Italia", "Rom"),
        ("Japan", "Japan", "le Japon", "Japón", "Tok[iy]"),
        ("Spain", "Spanien", "l'Espagne", "España", "Madrid"),
        ("Germany", "Deutschland", "l'Allemagne", "Alemania", "Berl[ií]n"),
        ("Russia", "Russland", "la Russie", "Rusia", "Mos[ck]"),
    ],
    2: [
        ("Australia", "Australien", "l'Australie", "Australia", "Canberra"),
        ("Canada", "Kanada", "le Canada", "Canadá", "Ottawa"),
        ("Norway", "Norwegen", "la Norvège", "Noruega", "Oslo"),
        ("Turkey", "die Türkei", "la Turquie", "Turquía", "Ankara"),
        ("Kenya", "Kenia", "le Kenya", "Kenia", "Nairobi"),
        ("Peru", "Peru", "le Pérou", "Perú", "Lima"),
    ],
    3: [
        ("Mongolia", "die Mongolei", "la Mongolie", "Mongolia", "[OU]u?l[aá]n"),
        ("Kazakhstan", "Kasachstan", "le Kazakhstan", "Kazajistán", "Astan[aá]|Nur-Sultan"),
        ("Burkina Faso", "Burkina Faso", "le Burkina Faso", "Burkina Faso", "Ou?agadou?gou?|Uagadug"),
        ("Paraguay", "Paraguay", "le Paraguay", "Paraguay", "Asunci[oó]n"),
        ("Bhutan", "Bhutan", "le Bhoutan", "Bután", "Th?imph?[uo]"),
        ("Slovenia", "Slowenien", "la Slovénie", "Eslovenia", "L[ij]ubl[ij]ana"),
    ],
}
CAPITAL_OF = {
    "en": "What is the capital of {}?",
    "de": "Wie heißt die Hauptstadt von {}?",
    "fr": "Quelle est la capitale de {} ?",
    "es": "¿Cuál es la capital de {}?",
}


def capitals(draw: random.Random) -> Iterator[Question]:
    for level, countries in CAPITALS.items():
        for row in countries:
            for language, name in draw.sample(list(zip(CAPITAL_OF, row[:4], strict=True)), 3):
                prompt = CAPITAL_OF[language].format(name)
                yield question("capitals", level, prompt, "regex", rf"(?i)\b(?:{row[4]})", tokens=32, language=language)


CHOICES = [  # level, question, right answer, wrong answers
    (1, "Which planet is closest to the Sun?", "Mercury", ["Venus", "Mars", "Jupiter"]),
    (1, "Which gas do plants take in from the air to make sugar?", "Carbon dioxide", ["Oxygen", "Helium", "Nitrogen"]),
    (1, "What does H2O stand for?", "Water", ["Salt", "Oxygen", "Hydrogen peroxide"]),
    (1, "How many legs does a spider have?", "Eight", ["Six", "Ten", "Four"]),
    (1, "Which organ pumps blood through the body?", "The heart", ["The liver", "The lung", "The kidney"]),
    (1, "Which of these is a mammal?", "Dolphin", ["Shark", "Penguin", "Frog"]),
    (1, "At what temperature does water boil at sea level?", "100 °C", ["50 °C", "80 °C", "150 °C"]),
    (1, "Which of these is a primary colour of light?", "Green", ["Brown", "Orange", "Pink"]),
    (1, "What force pulls objects towards the Earth?", "Gravity", ["Friction", "Magnetism", "Tension"]),
    (1, "Which is the largest ocean?", "The Pacific", ["The Atlantic", "The Indian", "The Arctic"]),
    (2, "Which particle carries a negative electric charge?", "Electron", ["Proton", "Neutron", "Photon"]),
    (2, "What is the chemical symbol of potassium?", "K", ["P", "Po", "Pt"]),
    (2, "Which part of the cell releases energy from food?", "Mitochondrion", ["Ribosome", "Nucleus", "Vacuole"]),
    (2, "What is the SI unit of force?", "Newton", ["Joule", "Watt", "Pascal"]),
    (2, "Which vitamin does skin make in sunlight?", "Vitamin D", ["Vitamin A", "Vitamin C", "Vitamin K"]),
    (2, "Who formulated the laws of motion in the Principia?", "Newton", ["Galileo", "Kepler", "Einstein"]),
    (2, "Which blood cells fight infection?", "White blood cells", ["Red blood cells", "Platelets", "Plasma"]),
    (2, "Which rock is formed by cooling lava?", "Igneous", ["Sedimentary", "Metamorphic", "Organic"]),
    (2, "What is the pH of a neutral solution?", "7", ["0", "1", "14"]),
    (2, "Which data structure is first in, first out?", "Queue", ["Stack", "Tree", "Heap"]),
    (2, "What is the derivative of x squared?", "2x", ["x", "x squared", "2"]),
    (2, "In which layer of the atmosphere is most ozone?", "Stratosphere", ["Troposphere", "Mesosphere", "Exosphere"]),
    (3, "What is the time complexity of binary search?", "O(log n)", ["O(n)", "O(n log n)", "O(1)"]),
    (3, "Which enzyme unwinds DNA at the replication fork?", "Helicase", ["Ligase", "Polymerase", "Amylase"]),
    (3, "Which quark content has a proton?", "up, up, down", ["up, down, down", "up, up, up", "down, down, down"]),
    (3, "What is the integral of 1/x?", "ln|x| + C", ["x + C", "1/x² + C", "e^x + C"]),
    (3, "Which sorting algorithm is stable?", "Merge sort", ["Quicksort", "Heapsort", "Selection sort"]),
    (3, "Which HTTP status means 'Too Many Requests'?", "429", ["404", "503", "418"]),
    (3, "What is the oxidation state of sulphur in H2SO4?", "+6", ["+4", "-2", "+2"]),
    (3, "Which hormone lowers blood sugar?", "Insulin", ["Glucagon", "Cortisol", "Adrenaline"]),
    (3, "How many edges has a cube?", "12", ["6", "8", "10"]),
    (3, "Which law relates voltage and current?", "Ohm's law", ["Hooke's law", "Boyle's law", "Snell's law"]),
    (3, "Which tree traversal of a search tree is sorted?", "In-order", ["Pre-order", "Post-order", "Level-order"]),
    (3, "What is the determinant of the identity matrix?", "1", ["0", "-1", "the dimension"]),
    (3, "Which element has the highest electronegativity?", "Fluorine", ["Oxygen", "Chlorine", "Caesium"]),
    (3, "Which is not a prime number?", "91", ["89", "97", "83"]),
]


def choices(draw: random.Random) -> Iterator[Question]:
    for level, text, right, wrong in CHOICES:
        options = draw.sample([right, *wrong], 4)
        listed = "\n".join(f"{letter}. {option}" for letter, option in zip("ABCD", options, strict=True))
        letter = "ABCD"[options.index(right)]
        prompt = f"{text}\n{listed}\nReply with the letter of the right answer only."
        yield question("multiple choice", level, prompt, "choice", letter, tokens=24)


SNIPPETS = [  # level, template; what it prints is found by running it
    (1, "print({a} + {b})"),
    (1, "x = {a}\nx = x * 2\nprint(x)"),
    (1, "print(len('{word}'))"),
    (1, "print('{word}'.upper())"),
    (2, "print(sum([{a}, {b}, {c}]))"),
    (2, "print('{word}'[::-1])"),
    (2, "print([n * n for n in range(1, {s})])"),
    (2, "d = {{'a': {a}, 'b': {b}}}\nprint(d['b'] - d['a'])"),
    (2, "print(sorted([{c}, {a}, {b}])[0])"),
    (2, "print('{word}'[1:4])"),
    (3, "total = 0\nfor n in range({s}, {s} + 5):\n    if n % 2 == 0:\n        total += n\nprint(total)"),
    (3, "def f(n):\n    return 1 if n < 2 else n * f(n - 1)\nprint(f({s}))"),
    (3, "a, b = 0, 1\nfor _ in range({s}):\n    a, b = b, a + b\nprint(a)"),
    (3, "print({a} // {s}, {a} % {s})"),
    (3, "s = '{word}'\nprint(''.join(c for c in s if c not in 'aeiou'))"),
]


def outputs(draw: random.Random) -> Iterator[Question]:
    for level, template in SNIPPETS:
        for _ in range(3):
            word = draw.choice(["harbour", "lantern", "sailing", "compass", "morning", "island", "ferry", "ticket"])
            values = {"a": draw.randint(11, 60), "b": draw.randint(3, 40), "c": draw.randint(2, 90)}
            code = template.format(**values, s=draw.randint(4, 7), word=word)
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(code, {})
            answer = printed.getvalue().strip()
            prompt = f"What does this Python program print?\n```python\n{code}\n```\nReply with the output only."
            yield question("code output", level, prompt, "exact", [answer, f"`{answer}`"])


FUNCTIONS = [  # level, name and arguments, what it does, checks
    (1, "add(a, b)", "returns the sum of a and b", "assert add(2, 3) == 5\nassert add(-1, 1) == 0"),
    (1, "is_even(n)", "returns True if n is even, else False", "assert is_even(4) is True\nassert is_even(7) is False"),
    (1, "square(n)", "returns n squared", "assert square(5) == 25\nassert square(-3) == 9"),
    (1, "largest(numbers)", "returns the largest number of a list", "assert largest([3, 9, 2]) == 9"),
    (1, "shout(text)", "returns the text in upper case", "assert shout('hi') == 'HI'"),
    (1, "last(items)", "returns the last item of a list", "assert last([1, 2, 3]) == 3"),
    (1, "absolute(n)", "returns the absolute value of n", "assert absolute(-4) == 4\nassert absolute(2) == 2"),
    (1, "mean(numbers)", "returns the mean of a list of numbers", "assert mean([1, 2, 3]) == 2"),
    (
        2,
        "count_vowels(text)",
        "returns how many of a, e, i, o, u a text holds",
        "assert count_vowels('education') == 5",
    ),
    (
        2,
        "is_palindrome(text)",
        "tells whether a text reads the same backwards",
        "assert is_palindrome('level')\nassert not is_palindrome('boat')",
    ),
    (2, "factorial(n)", "returns n factorial", "assert factorial(0) == 1\nassert factorial(6) == 720"),
    (2, "unique(items)", "returns the items without repeats, in order", "assert unique([1, 2, 1, 3, 2]) == [1, 2, 3]"),
    (
        2,
        "fizzbuzz(n)",
        "returns 'FizzBuzz' if n divides by 15, 'Fizz' by 3, 'Buzz' by 5, else str(n)",
        "assert fizzbuzz(15) == 'FizzBuzz'\nassert fizzbuzz(9) == 'Fizz'\nassert fizzbuzz(10) == 'Buzz'\nassert fizzbuzz(7) == '7'",
    ),
    (
        2,
        "celsius(fahrenheit)",
        "converts degrees Fahrenheit to Celsius",
        "assert abs(celsius(212) - 100) < 1e-6\nassert abs(celsius(32)) < 1e-6",
    ),
    (2, "flatten(lists)", "joins a list of lists into one list", "assert flatten([[1], [2, 3], []]) == [1, 2, 3]"),
    (
        2,
        "is_prime(n)",
        "tells whether n is a prime number",
        "assert is_prime(2)\nassert is_prime(97)\nassert not is_prime(91)\nassert not is_prime(1)",
    ),
    (
        2,
        "word_lengths(text)",
        "returns a dict from each word of a text to its length",
        "assert word_lengths('a boat') == {'a': 1, 'boat': 4}",
    ),
    (
        2,
        "gcd(a, b)",
        "returns the greatest common divisor of a and b",
        "assert gcd(12, 18) == 6\nassert gcd(7, 13) == 1",
    ),
    (
        3,
        "roman(n)",
        "returns n (1 to 3999) as a Roman numeral",
        "assert roman(1994) == 'MCMXCIV'\nassert roman(4) == 'IV'",
    ),
    (
        3,
        "merge(a, b)",
        "merges two sorted lists into one sorted list",
        "assert merge([1, 4, 9], [2, 3, 10]) == [1, 2, 3, 4, 9, 10]\nassert merge([], [1]) == [1]",
    ),
    (
        3,
        "balanced(text)",
        "tells whether the brackets ()[]{} in a text are balanced",
        "assert balanced('{[()]}')\nassert not balanced('(]')\nassert not balanced('(')",
    ),
    (
        3,
        "transpose(matrix)",
        "returns the transpose of a list of rows",
        "assert transpose([[1, 2, 3], [4, 5, 6]]) == [[1, 4], [2, 5], [3, 6]]",
    ),
    (
        3,
        "run_lengths(text)",
        "returns run-length pairs, e.g. 'aab' gives [('a', 2), ('b', 1)]",
        "assert run_lengths('aabccc') == [('a', 2), ('b', 1), ('c', 3)]\nassert run_lengths('') == []",
    ),
    (
        3,
        "second_largest(numbers)",
        "returns the second largest distinct number of a list",
        "assert second_largest([5, 1, 5, 3]) == 3",
    ),
    (
        3,
        "caesar(text, shift)",
        "shifts lower-case letters by shift places, wrapping round, and leaves the rest",
        "assert caesar('xyz a', 3) == 'abc d'",
    ),
    (
        3,
        "binary_search(items, x)",
        "returns the index of x in a sorted list, or -1",
        "assert binary_search([1, 3, 5, 7], 5) == 2\nassert binary_search([1, 3], 2) == -1",
    ),
    (
        3,
        "anagrams(words)",
        "groups words that are anagrams: a list of lists, each in input order, in order of first appearance",
        "assert anagrams(['tea', 'boat', 'eat']) == [['tea', 'eat'], ['boat']]",
    ),
    (
        3,
        "to_base(n, base)",
        "returns n > 0 in the base (2 to 10) as a string",
        "assert to_base(10, 2) == '1010'\nassert to_base(255, 8) == '377'",
    ),
]


def functions(draw: random.Random) -> Iterator[Question]:
    del draw
    for level, signature, does, checks in FUNCTIONS:
        prompt = f"Write a Python function {signature} that {does}. Reply with the code only."
        yield question("code writing", level, prompt, "python", checks, tokens=200)


WORDS = ["harbour", "planet", "window", "garden", "bridge", "silver", "orange", "market", "castle", "thunder", "pencil"]


def strings(draw: random.Random) -> Iterator[Question]:
    for word in draw.sample(WORDS, 8):
        prompt = f"How many letters does the word '{word}' have? Reply with the number only."
        yield question("strings", 1, prompt, "numeric", len(word))
    for word in draw.sample(WORDS, 6):
        prompt = f"Write the word '{word}' in capital letters. Reply with the word only."
        yield question("strings", 1, prompt, "regex", rf"\b{word.upper()}\b")
    for word in draw.sample(WORDS, 8):
        n = draw.randint(2, 5)
        ordinal = {2: "second", 3: "third", 4: "fourth", 5: "fifth"}[n]
        prompt = f"What is the {ordinal} letter of the word '{word}'? Reply with the letter only."
        yield question("strings", 2, prompt, "exact", [word[n - 1], f"'{word[n - 1]}'"])
    for _ in range(8):
        three = draw.sample(WORDS, 4)
        prompt = f"Sort these words alphabetically, separated by commas: {', '.join(three)}. Reply with the list only."
        yield question("strings", 2, prompt, "exact", [", ".join(sorted(three))])
    for word in draw.sample(WORDS, 8):
        prompt = f"Write the word '{word}' backwards. Reply with the result only."
        yield question("strings", 3, prompt, "exact", [word[::-1], f"'{word[::-1]}'"])
    for word in ["strawberry", "mississippi", "bookkeeper", "parallel", "committee", "assessment"]:
        letter = max(sorted(set(word)), key=word.count)
        prompt = f"How often does the letter '{letter}' occur in '{word}'? Reply with the number only."
        yield question("strings", 3, prompt, "numeric", word.count(letter))


def objects(draw: random.Random) -> Iterator[Question]:
    towns = ["Oslo", "Lyon", "Porto", "Graz", "Turku"]
    for i in range(30):
        name, town = draw.choice(["Ines", "Tomas", "Mara", "Jon", "Lena"]), draw.choice(towns)
        age, price = draw.randint(18, 80), draw.randint(5, 95)
        fields: dict[str, Any] = {"name": name, "town": town}
        text = f"{name} lives in {town}"
        if i >= 10:
            fields["age"] = age
            text += f" and turned {age} last week"
        if i >= 20:
            fields["ticket"] = {"price": price, "paid": bool(i % 2)}
            text += f". The ticket costs {price} euros and was {'already' if i % 2 else 'not yet'} paid"
        schema = {
            "type": "object",
            "required": list(fields),
            "properties": {key: {"const": value} for key, value in fields.items()},
        }
        shape = "name, town" + (", age (a number)" if i >= 10 else "")
        shape += ", ticket (an object with price, a number, and paid, true or false)" if i >= 20 else ""
        prompt = f"{text}.\nWrite this as one JSON object with the keys {shape}. Reply with the JSON only."
        yield question("json extraction", 1 + i // 10, prompt, "json_schema", schema, tokens=90)


ORDERINGS = {
    "en": ("{0} is taller than {1}.", "Who is the {2}? Reply with the name only.", ("tallest", "shortest")),
    "de": ("{0} ist größer als {1}.", "Wer ist am {2}? Antworte nur mit dem Namen.", ("größten", "kleinsten")),
    "fr": ("{0} est plus grand que {1}.", "Qui est le plus {2} ? Réponds par le nom seul.", ("grand", "petit")),
}


def orderings(draw: random.Random) -> Iterator[Question]:
    for language, (statement, query, superlatives) in ORDERINGS.items():
        for i in range(18 if language == "en" else 9):
            level = 1 + i % 3
            people = draw.sample(["Anna", "Bela", "Carl", "Dina", "Emil", "Fritz"], level + 1 + (level > 1))
            facts = [statement.format(a, b) for a, b in pairwise(people)]
            draw.shuffle(facts)
            position = draw.randint(0, 1)
            answer = people[-1] if position else people[0]
            others = "|".join(sorted(set(people) - {answer}))
            prompt = f"{' '.join(facts)} {query.format('', '', superlatives[position])}"
            pattern = rf"^(?:(?!{others}).)*{answer}"
            yield question("ordering", level, prompt, "regex", pattern, tokens=24, language=language)


def dates(draw: random.Random) -> Iterator[Question]:
    for _ in range(10):
        hours = draw.randint(2, 12)
        prompt = f"How many minutes are {hours} hours? Reply with the number only."
        yield question("dates and units", 1, prompt, "numeric", hours * 60)
    for _ in range(8):
        km = draw.randint(2, 40) + draw.choice([0, 0.5, 0.25])
        prompt = f"How many metres are {km} kilometres? Reply with the number only."
        yield question("dates and units", 1, prompt, "numeric", km * 1000)
    for _ in range(10):
        start, minutes = draw.randint(7, 18), draw.randint(15, 170)
        end = start * 60 + 20 + minutes
        prompt = f"A meeting begins at {start}:20 and lasts {minutes} minutes. When does it end? Reply as HH:MM."
        yield question("dates and units", 2, prompt, "regex", rf"\b0?{end // 60}:{end % 60:02d}\b")
    for _ in range(12):
        day = date(2025, 1, 1) + timedelta(draw.randint(0, 300))
        ahead = draw.randint(9, 80)
        then = day + timedelta(ahead)
        prompt = f"{day:%A}, {day.isoformat()}, plus {ahead} days: which weekday is that? Reply with the weekday only."
        yield question("dates and units", 3, prompt, "regex", rf"(?i)^\W*{then:%A}")


DICTIONARY = [  # level, English, German, French, Spanish, Italian
    (1, "water", "Wasser", "eau", "agua", "acqua"),
    (1, "house", "Haus", "maison", "casa", "casa"),
    (1, "dog", "Hund", "chien", "perro", "cane"),
    (1, "book", "Buch", "livre", "libro", "libro"),
    (2, "bridge", "Brücke", "pont", "puente", "ponte"),
    (2, "knife", "Messer", "couteau", "cuchillo", "coltello"),
    (2, "autumn", "Herbst", "automne", "otoño", "autunno"),
    (2, "spoon", "Löffel", "cuill[eè]re?", "cuchara", "cucchiaio"),
    (3, "hedgehog", "Igel", "hérisson", "erizo", "riccio"),
    (3, "thimble", "Fingerhut", "dé( à coudre)?", "dedal", "ditale"),
    (3, "lighthouse", "Leuchtturm", "phare", "faro", "faro"),
    (3, "dragonfly", "Libelle", "libellule", "libélula", "libellula"),
]


def translations(draw: random.Random) -> Iterator[Question]:
    names = ("German", "French", "Spanish", "Italian")
    for level, english, *others in DICTIONARY:
        for name, word in draw.sample(list(zip(names, others, strict=True)), 3):
            prompt = f"Translate the word '{english}' into {name}. Reply with the translation only."
            code = {"German": "de", "French": "fr", "Spanish": "es", "Italian": "it"}[name]
            yield question("translation", level, prompt, "regex", rf"(?i)\b{word}\b", tokens=24, language=code)


PLACES = ["Gull Bay", "Mill Town", "Pine Ridge", "Old Harbour", "Stone Bridge", "Clear Lake"]


def passages(draw: random.Random) -> Iterator[Question]:
    for i in range(36):
        level = 1 + i % 3
        rows = [
            (
                place,
                draw.randint(1850, 1990),
                draw.randint(2, 90),
                draw.choice(["baker", "teacher", "captain", "doctor"]),
            )
            for place in draw.sample(PLACES, level * 2)
        ]
        text = " ".join(
            f"The school in {place} was opened in {year} by a {job} and has {rooms} rooms."
            for place, year, rooms, job in rows
        )
        place, year, rooms, job = draw.choice(rows)
        oldest = min(rows, key=lambda row: row[1])[0]
        most = max(rows, key=lambda row: row[2])[0]
        query, answer = draw.choice(
            [
                (f"In which year was the school in {place} opened?", rf"\b{year}\b"),
                (f"How many rooms has the school in {place}?", rf"\b{rooms}\b"),
                (f"Who opened the school in {place}?", rf"(?i)\b{job}\b"),
            ]
            if level < 3
            else [
                ("Which school is the oldest?", rf"^(?:(?!{'|'.join(p for p in PLACES if p != oldest)}).)*{oldest}"),
                ("Which school has most rooms?", rf"^(?:(?!{'|'.join(p for p in PLACES if p != most)}).)*{most}"),
            ]
        )
        prompt = f"{text}\n{query} Answer in a few words."
        yield question("reading", level, prompt, "regex", answer, tokens=32)


REVIEWS = [
    (1, "I love this boat trip, the crew was wonderful.", "positive"),
    (1, "Terrible food and a rude waiter. Never again.", "negative"),
    (1, "The best concert I have heard in years!", "positive"),
    (1, "It broke after one day. A waste of money.", "negative"),
    (1, "Great value, works perfectly.", "positive"),
    (1, "Awful smell, dirty room, no sleep.", "negative"),
    (2, "I expected little and was pleasantly surprised.", "positive"),
    (2, "The trailer promised a lot, the film kept none of it.", "negative"),
    (2, "Could not put it down; finished it in one night.", "positive"),
    (2, "I wanted to like it, but gave up at page fifty.", "negative"),
    (2, "Not bad at all, we will come again.", "positive"),
    (2, "Hardly worth the wait, let alone the price.", "negative"),
    (3, "If boredom were an art, this would hang in a museum.", "negative"),
    (3, "My only complaint is that it had to end.", "positive"),
    (3, "A masterpiece, said nobody who stayed awake.", "negative"),
    (3, "I have never been so glad to be proved wrong about a place.", "positive"),
    (3, "The instructions were clear: clear that nobody had tried them.", "negative"),
    (3, "You could not pay me enough to go back to my old one.", "positive"),
]


def reviews(draw: random.Random) -> Iterator[Question]:
    del draw
    for level, text, feeling in REVIEWS:
        other = "negative" if feeling == "positive" else "positive"
        prompt = f"Is this review positive or negative? Reply with one word.\n\n{text}"
        pattern = rf"(?i)^(?:(?!{other}).)*{feeling}"
        yield question("sentiment", level, prompt, "regex", pattern, tokens=16)


def sequences(draw: random.Random) -> Iterator[Question]:
    def ask(level: int, numbers: list[int]) -> Question:
        listed = ", ".join(map(str, numbers[:-1]))
        prompt = f"Which number comes next: {listed}, ...? Reply with the number only."
        return question("sequences", level, prompt, "numeric", numbers[-1])

    for _ in range(12):
        a, d = draw.randint(1, 20), draw.randint(2, 9)
        yield ask(1, [a + d * i for i in range(6)])
    for _ in range(10):
        a, r = draw.randint(1, 5), draw.randint(2, 3)
        yield ask(2, [a * r**i for i in range(6)])
    for _ in range(10):
        a, b = draw.randint(1, 5), draw.randint(2, 8)
        numbers = [a, b]
        while len(numbers) < 7:
            numbers.append(numbers[-1] + numbers[-2])
        yield ask(3, numbers)
    for _ in range(8):
        a, d = draw.randint(1, 9), draw.randint(1, 3)
        yield ask(3, [a + d * i * i for i in range(6)])


def main() -> None:
    draw = random.Random(20_261_123)
    makers = (
        arithmetic,
        stories,
        capitals,
        choices,
        outputs,
        functions,
        strings,
        objects,
        orderings,
        dates,
        translations,
        passages,
        reviews,
        sequences,
    )
    by_prompt: dict[str, Question] = {}
    for maker in makers:
        for item in maker(draw):
            by_prompt.setdefault(item["prompt"], item)
    counts: dict[str, int] = {}
    with OUT.open("w", encoding="utf-8") as file:
        for item in by_prompt.values():
            counts[item["task"]] = counts.get(item["task"], 0) + 1
            name = f"{item['task'].replace(' ', '-')}-{counts[item['task']]:03d}"
            file.write(json.dumps({"prompt_id": name, **item}, ensure_ascii=False) + "\n")
    print(f"{sum(counts.values())} questions: {counts}")


if __name__ == "__main__":
    main()
