"""What may never happen, what the README promises of it, and the tests that would fail if it did."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
APPLY, ADVERSARY = "cleanup/test_apply.py", "faults/test_adversary.py"
ANALYST, INTERRUPTED = "database/test_analyst_connection.py", "faults/test_interrupted.py"
OUTPUTS, SURVEYED = "faults/test_power_loss_outputs.py", "fuzz/test_fuzz_survey.py"

PROMISES = {
    "The databases in use, and what is outside the project, are not modified, locked for long or deleted.": {
        "planned": f"{APPLY}::test_a_plan_that_must_not_be_is_refused_before_anything_is_touched",
        "planned by another name": f"{APPLY}::test_a_hard_link_to_the_database_is_refused",
        "by SQL": "database/test_analyst_connection.py::"
        "test_every_way_out_is_refused_in_one_sentence_and_changes_nothing",
        "by reading": "database/test_snapshot.py::test_a_snapshot_of_an_open_wal_has_what_is_committed_and_only_that",
        "locked": "database/test_cache.py::test_an_open_database_keeps_the_state_it_was_attached_at",
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
        "a Stop": "faults/test_stopped.py::"
        "test_a_cleanup_that_is_stopped_at_any_step_loses_nothing_and_the_same_call_finishes_it",
        "any order of all these": "faults/test_model.py::test_no_order_of_user_cleanup_and_restore_loses_anything",
    },
    "Nothing half is in place, and nothing stale is used.": {
        "an export that is killed": f"{INTERRUPTED}::"
        "test_an_export_that_is_killed_at_any_time_leaves_whole_files_and_the_next_one_replaces_them",
        "an export without room": f"{INTERRUPTED}::test_an_export_on_a_full_disk_says_so_and_leaves_what_was_there",
        "an export without power": f"{OUTPUTS}::"
        "test_an_export_without_power_is_the_old_one_or_the_new_one_or_says_that_it_is_neither",
        "two exports": f"{INTERRUPTED}::test_two_exports_at_once_leave_one_whole_and_the_other_says_that_it_must_wait",
        "a load that is killed": f"{INTERRUPTED}::"
        "test_a_load_that_is_killed_at_any_time_leaves_no_stale_cache_and_nothing_for_good",
        "a load without room": f"{INTERRUPTED}::test_a_load_on_a_full_disk_says_so_and_the_next_one_is_whole",
        "a report that is killed or fails": f"{INTERRUPTED}::"
        "test_a_report_that_ends_between_its_files_has_no_numbers_and_leaves_nothing_behind",
        "a report without power": f"{OUTPUTS}::"
        "test_a_report_during_which_the_power_goes_has_no_numbers_but_those_of_its_page",
        "two reports": f"{INTERRUPTED}::test_two_reports_of_one_name_do_not_take_turns_within",
        "a lock of a killed process": "test_disk.py::"
        "test_what_a_killed_process_left_goes_and_what_a_living_one_uses_stays",
    },
    "No credential appears in an export, report, widget, log or error text.": {
        "in the cache": "database/test_cache.py::test_no_credential_is_in_its_bytes",
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
        "in SQL": "database/test_analyst_connection.py::test_values_are_bound_whatever_they_hold",
    },
    "No number is printed without saying which rows it leaves out.": {
        "effectiveness": "analysis/test_effectiveness.py::test_scores_of_another_scale_are_not_pooled",
        "generated rows": "analysis/test_claim.py::test_nothing_is_claimed_of_rows_that_are_not_all_real",
        "evolution": "analysis/test_evolution.py::test_at_most_200_prompts_are_followed_and_the_rest_counted",
        "usage": "analysis/test_usage.py::TestTokens::test_calls_without_a_version_are_left_out_and_counted",
        "a chart": "show/test_usage_charts.py::test_every_chart_says_its_n",
        "a table": "test_tables.py::test_rows_beyond_the_limit_are_counted",
    },
    # The section "Security" of the README, by the words each promise begins with.
    "Credentials stay where they are.": {
        "whatever is made": "security/test_canary.py::test_nothing_that_was_made_of_a_project_holds_a_canary",
        "every generation": "security/test_canary.py::test_no_generation_leaks_through_attach_export_audit_or_cache",
        "an error": "security/test_canary.py::test_no_error_of_a_damaged_database_quotes_what_nobody_may_read",
        "a private copy": "security/test_canary.py::test_no_private_copy_is_left_behind",
        "the search itself": "security/test_canary.py::test_the_search_finds_what_is_there",
        "a password": "security/test_passwords.py::test_no_door_shows_a_password",
        "a password in a report": "security/test_passwords.py::test_a_report_hides_it_too",
    },
    "Text from data never runs.": {
        "in any page": "security/test_stored_xss.py::test_no_element_of_any_page_comes_from_data",
        "as text": "security/test_stored_xss.py::test_the_payloads_are_shown_as_the_text_they_are",
        "in a chart": "security/test_stored_xss.py::test_a_chart_saved_as_a_page_has_no_text_that_ends_its_script",
        "in a browser": "security/test_stored_xss.py::test_nothing_runs_in_a_browser",
        "in JupyterLab": "browser/test_hostile.py::test_nothing_runs_in_jupyterlab",
        "in a page of its own": "browser/test_hostile.py::test_nothing_runs_in_voila_which_works_without_a_network",
        "in the reports": "browser/test_hostile.py::test_nothing_runs_in_the_reports",
    },
    "SQL you type only reads.": {
        "every way out": f"{ANALYST}::test_every_way_out_is_refused_in_one_sentence_and_changes_nothing",
        "beside the check of statements": f"{ANALYST}::test_the_connection_itself_refuses_what_touches_files",
        "a direct question": "security/test_direct_questions.py::test_every_way_out_is_refused_and_changes_nothing",
        "any words": "fuzz/test_fuzz_attach.py::test_what_a_user_types_as_sql_is_refused_or_answered",
        "our own": "security/test_sql_is_fixed.py::test_what_is_put_into_sql_is_listed_with_its_reason",
        "put together otherwise": "security/test_sql_is_fixed.py::"
        "test_sql_is_never_put_together_by_percent_or_format_or_plus",
        "by another scanner": "database/test_extension.py::"
        "test_a_file_that_is_changed_with_its_time_put_back_is_not_loaded_by_an_old_mark",
    },
    "Parameters are data.": {
        "a name": "fuzz/test_fuzz_parameters.py::test_a_name_that_is_not_declared_never_passes",
        "a value": "fuzz/test_fuzz_parameters.py::"
        "test_a_value_passes_only_in_its_declared_type_and_reaches_the_notebook_unchanged",
        "a path": "fuzz/test_fuzz_project.py::test_a_configuration_never_leads_out_of_the_project",
    },
    "Bad input is a sentence.": {
        "damaged databases": "fuzz/test_fuzz_attach.py::test_a_damaged_database_gives_rows_or_one_sentence",
        "damaged files": f"{SURVEYED}::test_damaged_files_of_every_kind_are_rows_and_only_what_is_proved_may_go",
        "files that pretend": f"{SURVEYED}::test_files_that_only_pretend_are_rows_of_the_survey",
        "sparse files": f"{SURVEYED}::test_sparse_files_of_100_gb_are_not_examined_and_never_deletable",
        "bombs": f"{SURVEYED}::test_compressed_bombs_are_listed_and_never_opened",
        "deep trees": f"{SURVEYED}::"
        "test_a_tree_deeper_than_any_path_is_walked_as_far_as_paths_reach_and_the_rest_reported",
        "many files": f"{SURVEYED}::test_very_many_files_take_seconds_and_little_memory",
        "odd names": f"{SURVEYED}::test_a_name_of_any_bytes_is_shown_everywhere_and_can_be_removed_and_restored",
        "CSV files": "fuzz/test_fuzz_csv.py::test_a_row_counts_as_known_only_where_the_database_says_so",
        "guides": "fuzz/test_fuzz_guide.py::test_every_statement_gets_a_verdict_and_nothing_is_changed",
        "notebooks": "fuzz/test_fuzz_parameters.py::test_a_notebook_of_any_content_is_listed_or_named_as_damaged",
        "no temporary folder": "test_disk.py::test_without_a_folder_for_temporary_files_there_is_one_sentence",
    },
    "Backups are private.": {
        "modes": "security/test_backups_are_private.py::test_a_backup_is_private_whatever_the_mask",
        "git": "security/test_backups_are_private.py::test_git_never_sees_a_backup",
        "said": "security/test_backups_are_private.py::test_the_report_says_that_backups_hold_credentials",
        "no copies elsewhere": "security/test_canary.py::"
        "test_a_cleaned_project_holds_canaries_only_in_its_own_files_and_their_private_backups",
    },
}


def test_every_promise_is_held_by_tests_that_exist() -> None:
    wanted = {test for cases in PROMISES.values() for test in cases.values()}
    assert wanted <= {test for file in {test.split("::")[0] for test in wanted} for test in functions_of(file)}


def functions_of(file: str) -> Iterator[str]:
    """Yield the ids of the tests of a file, without collecting it: that would import everything there is."""
    tree = ast.parse((ROOT / "tests" / file).read_text("utf-8"))
    for node in ast.iter_child_nodes(tree):
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        within = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        yield from (f"{file}::{within}{test.name}" for test in inner if isinstance(test, ast.FunctionDef))


def test_every_security_promise_of_the_readme_is_held() -> None:
    section = (ROOT / "README.md").read_text("utf-8").split("\n## Security\n")[1].split("\n## ")[0]
    promised = re.findall(r"^- \*\*(.+?)\*\*", section, re.MULTILINE)
    assert promised == list(PROMISES)[-len(promised) :]
    assert len(promised) >= 6
