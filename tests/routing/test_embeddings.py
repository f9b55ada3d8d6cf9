"""Token ids are looked up word by word, and are those of the tokenizer."""

from hypothesis import given, settings
from hypothesis import strategies as st

from autopicker_lab import embeddings

SIGNS = st.sampled_from([*"abc é空,<>/", "▁", "  ", "\n", "<s>", "</s>", "<unk>", " the", " word", "w" * 50])


def by_the_tokenizer(text: str) -> list[int]:
    ids: list[int] = embeddings.load().tokenizer.encode(text, add_special_tokens=False).ids
    return ids


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(SIGNS, max_size=30).map("".join))
def test_token_ids_are_those_of_the_tokenizer(text: str) -> None:
    assert embeddings.token_ids(text).tolist() == by_the_tokenizer(text)


def test_no_token_reaches_over_a_space() -> None:
    vocabulary = embeddings.load().tokenizer.get_vocab()
    assert not [token for token in vocabulary if "▁" in token.lstrip("▁")]
