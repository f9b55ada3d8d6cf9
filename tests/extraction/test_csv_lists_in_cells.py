"""Which character is the delimiter where the cells hold lists of their own."""

import pytest

from autopicker_lab.extraction.delimited import find_delimiter


@pytest.mark.parametrize(
    ("delimiter", "text"),
    [
        (",", "id,name,crew\n1,Tern,Ada;Bo;Cy;Di;Ed\n2,Gull,Fay;Gus;Hal;Ida;Jo\n"),
        (",", "id,colour\n1,12|30|99|45\n2,10|20|30|55\n"),
        ("\t", "id\tshort names\tlong names\n1\tmo,tu,we\tMonday,Tuesday\n2\tlu,ma,me\tlundi,mardi\n"),
        (";", "id;names\n1;a|b|c|d|e\n2;f|g|h|i|j\n"),
        (";", "Prices, 2023\nname;price;weight\nrope;1,5;2,5\nsail;2,5;3,5\n"),
        ("|", "id|names\n1|a, b, c, d\n2|e, f, g, h\n"),
    ],
)
def test_the_delimiter_is_the_one_of_the_header(delimiter: str, text: str) -> None:
    *head, first, second = text.splitlines()
    assert find_delimiter("\n".join([*head, *[first, second] * 20])) == delimiter
