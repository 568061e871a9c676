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
