from __future__ import annotations

from pipeline.citations import editorial_labels, editorial_notice
from pipeline.model.reference import Notice, Reference

RETRACTED = Reference(
    pmid="9500320",
    title="T.",
    editorial=("retracted", "concern"),
    notices=(
        Notice("retracted", "Lancet. 2004 Mar 6;363(9411):750.", "15016483"),
        Notice("concern", "Eur J Gastroenterol Hepatol. 2011 Nov;23(11):1082."),
        Notice("retracted", "Lancet. 2010 Feb 6;375(9713):445.", "20137807"),
    ),
)


def test_labels_stand_in_one_order_whatever_the_order_of_the_states() -> None:
    reference = Reference(pmid="1", title="T", editorial=("preprint", "erratum", "retracted"))
    assert editorial_labels(reference) == ("Retracted", "Erratum", "Preprint")


def test_a_notice_names_each_source_under_its_own_state() -> None:
    assert editorial_notice(RETRACTED) == (
        "Retracted: Lancet. 2004 Mar 6;363(9411):750. PMID: 15016483; "
        "Lancet. 2010 Feb 6;375(9713):445. PMID: 20137807. "
        "Expression of concern: Eur J Gastroenterol Hepatol. 2011 Nov;23(11):1082."
    )


def test_a_state_without_a_notice_is_still_told() -> None:
    assert editorial_notice(Reference(pmid="1", title="T", editorial=("retracted",))) == "Retracted."


def test_a_paper_in_good_standing_has_no_notice() -> None:
    assert editorial_notice(Reference(pmid="1", title="T")) is None
    assert editorial_labels(Reference(pmid="1", title="T")) == ()
