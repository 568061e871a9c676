"""Secrets do not get through, in whatever form they come."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiop.orchestrator.masking import MASK, Masker

SECRET = 'p4ss"wörd/+one'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
    ],
)
def test_each_form_of_a_secret_is_masked(form):
    assert MASK in Masker([SECRET]).text(f"before {form} after")
    assert form not in Masker([SECRET]).data(f"before {form} after".encode()).decode()


@given(before=st.binary(max_size=8), after=st.binary(max_size=8))
def test_a_secret_inside_base64_is_masked_at_any_offset(before, after):
    secret = "correct horse battery"
    masked = Masker([secret]).text(base64.b64encode(before + secret.encode() + after).decode())
    # What is left is too short to hold more than a character of it.
    assert MASK in masked
    assert len(masked) <= len(MASK) + len(base64.b64encode(before)) + len(base64.b64encode(after)) + 8


def test_each_line_of_a_secret_of_several_lines_is_masked():
    key = "-----BEGIN-----\nabcdefgh\nijklmnop\n-----END-----"
    assert Masker([key]).text("ijklmnop") == MASK


@pytest.mark.parametrize("width", [64, 76])
@given(secret=st.text(st.characters(codec="ascii", min_codepoint=33), min_size=40, max_size=400))
def test_base64_that_is_broken_into_lines_is_masked_line_by_line(width, secret):
    text = base64.b64encode(f"{secret}\n".encode()).decode()
    lines = [text[start : start + width] for start in range(0, len(text), width)]
    *masked, last = [Masker([secret]).text(line) for line in lines]
    assert set(masked) <= {MASK}
    assert last.startswith(MASK) or len(lines[-1]) <= 8  # the end mixes with the line feed


def test_blank_ends_are_no_part_of_a_secret():
    masker = Masker(["  secret line \n"])
    assert masker.text("secret line") == MASK
    assert masker.text(base64.b64encode(b"secret line").decode()) == MASK + "="
    assert not Masker([" \n"])


secrets = st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=5)


@given(secrets, st.data())
def test_nothing_of_any_secret_is_left_whatever_they_are_and_wherever_they_stand(found, data):
    masker = Masker(found)
    around = st.text(max_size=10)
    text = data.draw(around) + "".join(data.draw(st.sampled_from(found)) + data.draw(around) for _ in range(3))
    masked = masker.text(text)
    # What is between two masks may look like a short secret only with the stars themselves.
    for piece in masked.split(MASK):
        assert not any(secret.strip() and secret.strip() in piece for secret in found)
    assert masker.data(text.encode()).decode() == masked


@given(secrets, st.text(max_size=60))
def test_text_without_a_secret_stays_as_it_is(found, text):
    forms = Masker(found)._forms
    masked = Masker(found).text(text)
    assert (masked == text) or any(form in text.encode() for form in forms)


def test_secrets_that_overlap_leave_nothing_of_either():
    assert Masker(["abcdef", "defghi"]).text("xabcdefghiy") == f"x{MASK}y"


def test_a_short_secret_inside_of_another_ones_place_is_found():
    assert Masker(["ab", "xxab"]).text("xxabab") == MASK * 2
    assert Masker(["aa"]).text("aaa") == MASK


@given(st.text(st.sampled_from("abcd"), min_size=4, max_size=12), st.text(st.sampled_from("wxyz"), max_size=30))
def test_text_that_was_cut_off_does_not_end_in_the_beginning_of_a_secret(secret, before):
    masker = Masker([secret])
    for length in range(len(secret)):
        text = before + secret[:length]
        # Three characters tell too little to be looked for.
        assert masker.whole(text.encode()).decode() == (text if length < 4 else before)


def test_text_that_was_cut_off_elsewhere_stays_whole():
    assert Masker(["secret-value"]).whole(b"it says secre; nothing") == b"it says secre; nothing"
    assert Masker().whole(b"anything") == b"anything"


def test_a_large_secret_is_masked_and_costs_a_line_no_more_than_a_small_one():
    key = "\n".join(base64.b64encode(bytes([n % 251, n // 251]) * 24).decode() for n in range(900))
    masker = Masker([key])
    assert masker.text(key) == MASK
    assert [masker.text(line) for line in key.splitlines()] == [MASK] * 900
    assert len(masker._heads) > 100
    assert masker.text("GET /path 200") == "GET /path 200"


def test_the_longer_secret_wins_where_one_holds_the_other():
    assert Masker(["pass", "pass-word"]).text("pass-word") == MASK


def test_values_are_masked_to_the_leaves_and_keep_their_shape():
    value = {"a": ["x SECRET y", 5, None, True], "SECRET": {"b": 1.5}}
    assert Masker(["SECRET"]).value(value) == {"a": ["x *** y", 5, None, True], MASK: {"b": 1.5}}


def test_a_number_that_is_a_secret_is_masked():
    assert Masker(["48151623"]).value({"pin": 48151623, "other": 4}) == {"pin": MASK, "other": 4}


def test_without_secrets_nothing_changes():
    masker = Masker(["", ""])
    assert not masker
    assert masker.text("anything") == "anything"


def test_what_is_learned_later_is_masked_from_then_on():
    masker = Masker()
    masker.learn(["token-1"])
    assert masker.text("token-1") == MASK


@given(prefix=st.integers(0, 40), limit=st.integers(30, 45))
def test_a_cut_never_splits_a_secret(prefix, limit):
    secret = b"0123456789abcdef"
    masker = Masker([secret.decode()])
    data = b"x" * prefix + secret + b"y" * 60
    place = masker.cut(data, limit)
    assert place > 0
    assert secret not in masker.data(data[:place]) + masker.data(data[place:])
    assert not (prefix < place < prefix + len(secret))


def test_a_cut_never_splits_a_character():
    data = "ä".encode() * 50
    place = Masker().cut(data, 25)
    assert data[:place].decode()
    assert data[place:].decode()
