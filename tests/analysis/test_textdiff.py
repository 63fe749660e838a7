from dbtools.analysis.textdiff import compare


def test_what_replaces_a_word_stands_apart_from_it():
    shown = compare("one", "a B-tree index", "two", "a in index")._repr_html_()
    assert ">B-tree</del> <ins" in shown
    assert "from one to two" in shown.lower()


def test_a_text_that_is_only_longer_gets_no_extra_space():
    shown = compare("one", "a", "two", "a b")._repr_html_()
    assert ">a<ins" in shown
    assert "</del>" not in shown
