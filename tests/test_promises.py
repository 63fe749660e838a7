"""What may never happen, and the tests that would fail if it did."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
APPLY, ADVERSARY = "cleanup/test_apply.py", "faults/test_adversary.py"

PROMISES = {
    "The databases in use, and what is outside the project, are not modified, locked for long or deleted.": {
        "planned": f"{APPLY}::test_a_plan_that_must_not_be_is_refused_before_anything_is_touched",
        "planned by another name": f"{APPLY}::test_a_hard_link_to_the_database_is_refused",
        "by SQL": "source/test_analyst_connection.py::"
        "test_every_way_out_is_refused_in_one_sentence_and_changes_nothing",
        "by reading": "source/test_snapshot.py::test_a_snapshot_of_an_open_wal_has_what_is_committed_and_only_that",
        "locked": "source/test_cache.py::test_an_open_database_keeps_the_state_it_was_attached_at",
        "outside, by a link": f"{ADVERSARY}::test_what_somebody_does_meanwhile_is_respected",
        "outside, by a restore": f"{ADVERSARY}::"
        "test_what_somebody_puts_in_the_place_of_a_file_during_its_restore_stays",
        "outside, by a flipped bit": "faults/test_damage.py::"
        "test_a_flipped_bit_anywhere_in_a_manifest_is_noticed_or_changes_nothing",
    },
    "No file is deleted that may not go.": {
        "not examined": "cleanup/test_survey.py::test_files_that_only_pretend_are_unknown",
        "changed since the plan": f"{APPLY}::test_a_change_with_forged_time_is_seen",
        "replaced since the plan": f"{APPLY}::test_a_file_replaced_since_the_plan_stays",
        "open elsewhere": f"{APPLY}::test_a_file_open_in_another_process_stays",
        "opened meanwhile": f"{ADVERSARY}::test_a_file_that_somebody_opens_at_any_moment_is_not_removed",
        "a live database": f"{APPLY}::test_a_database_with_a_live_sidecar_stays",
        "a database that is written to": "faults/test_database_writers.py::"
        "test_a_row_that_the_application_commits_at_any_moment_is_not_lost",
        "a symlink": f"{APPLY}::test_a_symbolic_link_is_never_followed",
        "a hard link": f"{APPLY}::test_a_hard_link_stays",
        "its backup was not read back": "faults/test_failing_calls.py::"
        "test_a_write_that_claims_more_than_it_wrote_is_found_by_reading_back",
        "its backup is not equal": "faults/test_damage.py::"
        "test_a_file_whose_backup_was_damaged_after_the_barrier_stays",
        "a kill": "faults/test_crash.py::test_a_killed_cleanup_loses_nothing_and_the_same_call_finishes_it",
        "a power cut": "faults/test_power_loss.py::test_no_file_is_lost_when_the_power_goes_during_a_cleanup",
        "a call that fails": "faults/test_failing_calls.py::test_a_call_that_fails_loses_nothing_and_is_reported_truly",
        "any order of all these": "faults/test_model.py::test_no_order_of_user_cleanup_and_restore_loses_anything",
    },
    "No credential appears in an export, report, widget, log or error text.": {
        "in the cache": "source/test_cache.py::test_no_credential_is_in_its_bytes",
        "in an export": "export/test_write.py::test_no_account_ever_reaches_an_export",
        "in a survey": "cleanup/test_survey.py::test_secrets_in_samples_are_hidden",
        "in an audit": "audit/test_checks.py::test_a_secret_is_placed_and_never_shown",
        "in a table": "test_tables.py::test_secrets_are_hidden_wherever_they_stand",
        "of a server": "postgres/test_served_project.py::test_no_result_page_or_file_holds_the_password",
        "in a chart": "show/test_usage_charts.py::test_no_text_and_no_user_travels_with_a_chart",
    },
    "No text from the database reaches HTML unescaped, or SQL unbound.": {
        "in a table": "test_tables.py::test_text_from_anywhere_is_escaped",
        "by another maker of tables": "test_conventions.py::test_html_tables_have_one_maker",
        "in a difference": "analysis/test_evolution.py::TestDiff::test_shows_what_is_gone_and_new_and_escapes_it",
        "in a chart": "show/test_time_charts.py::test_only_numbers_and_known_words_travel_with_a_chart",
        "in SQL": "source/test_analyst_connection.py::test_values_are_bound_whatever_they_hold",
    },
    "No number is printed without saying which rows it leaves out.": {
        "effectiveness": "analysis/test_effectiveness.py::test_scores_of_another_scale_are_not_pooled",
        "generated rows": "analysis/test_claim.py::test_nothing_is_claimed_of_rows_that_are_not_all_real",
        "evolution": "analysis/test_evolution.py::test_at_most_200_prompts_are_followed_and_the_rest_counted",
        "usage": "analysis/test_usage.py::TestTokens::test_calls_without_a_version_are_left_out_and_counted",
        "a chart": "show/test_usage_charts.py::test_every_chart_says_its_n",
        "a table": "test_tables.py::test_rows_beyond_the_limit_are_counted",
    },
}


def test_every_promise_is_held_by_tests_that_exist() -> None:
    wanted = [f"tests/{test}" for cases in PROMISES.values() for test in cases.values()]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *wanted]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {line.split("[")[0] for line in done.stdout.splitlines() if "::" in line}
    assert set(wanted) <= found
