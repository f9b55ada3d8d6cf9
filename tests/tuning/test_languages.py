import pytest
from support.outcomes import MODELS, table

from autopicker_lab.core import RoutePolicy, Tier
from autopicker_lab.tuning import evaluate
from autopicker_lab.tuning.languages import languages_of

TEXTS = {
    "en": "How many hours does the train need from the city to the coast, if it stops twice?",
    "de": "Wie viele Stunden braucht der Zug von der Stadt bis zur Küste, wenn er zweimal hält?",
    "fr": "Combien d'heures faut-il au train pour aller de la ville à la côte, s'il s'arrête deux fois ?",
    "ja": "電車は町から海まで何時間かかりますか。二回止まります。",
    "ru": "Сколько часов нужно поезду от города до побережья, если он останавливается дважды?",
}


@pytest.mark.parametrize("language", TEXTS)
def test_a_language_is_told_by_its_text(language: str) -> None:
    assert set(languages_of([TEXTS[language]] * 6)) == {language}


@pytest.mark.parametrize("text", ["", "17 + 5 = ?", "x", "\x00\ud7ff", "🚢" * 5])
def test_what_is_no_language_is_not_guessed(text: str) -> None:
    assert set(languages_of([text] * 6)) == {"other"}


def test_a_language_of_few_prompts_is_not_told() -> None:
    assert sorted(set(languages_of([TEXTS["en"]] * 6 + [TEXTS["de"]] * 2))) == ["en", "other"]


def test_a_report_tells_quality_by_language() -> None:
    rows = table(60, usd=True)
    german = rows["prompt_id"].str[-1] == "3"
    rows.loc[german, "prompt"] = TEXTS["de"] + " " + rows["prompt_id"][german]
    policy = RoutePolicy("all up", (Tier(0.0, 0.8),), dict(zip(MODELS, (0.5, 0.9), strict=True)))
    found = evaluate(rows, policy)
    assert [(row.name, row.n) for row in found.by_language] == [("en", 54), ("de", 6)]
    assert found.to_dict()["by_language"][1]["share"] == 1
    assert "By language" in [section.title for section in found.sections()]
