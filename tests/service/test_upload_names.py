"""A file keeps its name, however its client writes it, and no name gets out of its line."""

import httpx
import pytest

BOUNDARY = "frontier"


def upload(service: str, disposition: str) -> httpx.Response:
    body = (
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n"
        f"Content-Type: application/octet-stream\r\n\r\nHello\r\n--{BOUNDARY}--\r\n"
    )
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    return httpx.post(f"{service}/v1/upload", content=body.encode(), headers=headers, timeout=30)


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('name="file"; filename="plain.txt"', "plain.txt"),
        ('name="file"; filename="Größe €.txt"', "Größe €.txt"),
        ("name=\"file\"; filename*=UTF-8''na%C3%AFve%20file.txt", "naïve file.txt"),
        ('name="file"; filename="fallback.txt"; filename*=utf-8\'en\'%e2%82%ac.txt', "€.txt"),
        ('name="file"; filename*=iso-8859-1\'\'caf%E9.txt; filename="cafe.txt"', "café.txt"),
        ("name=\"file\"; filename*=UTF-8''say%20%22hi%22.txt", 'say "hi".txt'),
        ("name=\"file\"; filename*=nonsense''a%E9.txt", "a\ufffd.txt"),
        ('name="file"; filename="=?UTF-8?B?bmHDr3ZlLnR4dA==?="', "naïve.txt"),
        ('name="file"; filename="=?iso-8859-1?Q?caf=E9.txt?="', "café.txt"),
        ('name="file"; filename="na%C3%AFve%2050%25.txt"', "naïve 50%.txt"),  # aiohttp
        ('name="file"; filename="50% off.txt"', "50% off.txt"),
        ('name="file"; filename="a%FFb.txt"', "a%FFb.txt"),  # no UTF-8
        ('name="file"; filename="C:\\\\Users\\\\me\\\\notes.txt"', "notes.txt"),
        ('name="file"; filename="../../etc/notes.txt"', "notes.txt"),
        ('name="file"; filename="%2e%2e%2fnotes.txt"', "notes.txt"),
        ("name=\"file\"; filename*=UTF-8''..%2F..%2Fnotes.txt", "notes.txt"),
        ("name=\"file\"; filename*=UTF-8''a%0D%0AX-Evil:%201.txt", "a X-Evil: 1.txt"),
        ("name=\"file\"; filename*=UTF-8''%E2%80%AEtxt.fdp.txt", "txt.fdp.txt"),  # turns what follows around
        ("name=\"file\"; filename*=UTF-8''a%00b%1B[31m.txt", "ab[31m.txt"),
    ],
)
def test_a_file_keeps_its_name(service: str, disposition: str, name: str) -> None:
    answer = upload(service, disposition)
    assert answer.status_code == 200, answer.text
    assert answer.json()["filename"] == name


def test_a_name_has_an_end(service: str) -> None:
    answer = upload(service, f'name="file"; filename="{"n" * 3000}.txt"')
    assert answer.status_code == 200
    assert len(answer.json()["filename"].encode()) <= 255
    assert answer.json()["filename"].endswith(".txt")


@pytest.mark.parametrize("disposition", ['name="file"', 'filename="a.txt"', 'name="other"; filename="a.txt"'])
def test_a_form_without_a_file_is_refused(service: str, disposition: str) -> None:
    assert upload(service, disposition).status_code == 400
