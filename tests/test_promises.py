"""What may never happen, what docs/safety.md promises of it, and the tests that would fail if it did."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROMISES = {
    "The databases in use, and what is outside the project, are not modified, locked for long or deleted.": (
        "test_a_plan_that_must_not_be_is_refused_before_anything_is_touched",
        "test_a_database_that_settings_name_is_in_use_and_every_report_says_which_one_is_read",
        "test_a_url_in_a_file_of_configuration_names_a_database",
        "test_a_hard_link_to_the_database_is_refused",
        "test_every_way_out_is_refused_in_one_sentence_and_changes_nothing",
        "test_a_snapshot_of_an_open_wal_has_what_is_committed_and_only_that",
        "test_an_open_database_keeps_the_state_it_was_attached_at",
        "test_what_somebody_does_meanwhile_is_respected",
        "test_what_somebody_puts_in_the_place_of_a_file_during_its_restore_stays",
        "test_a_flipped_bit_anywhere_in_a_manifest_is_noticed_or_changes_nothing",
    ),
    "No file is deleted that may not go.": (
        "test_files_that_only_pretend_are_unknown",
        "test_a_change_with_forged_time_is_seen",
        "test_a_file_replaced_since_the_plan_stays",
        "test_a_file_open_in_another_process_stays",
        "test_a_file_that_somebody_opens_at_any_moment_is_not_removed",
        "test_a_database_with_a_live_sidecar_stays",
        "test_a_row_that_the_application_commits_at_any_moment_is_not_lost",
        "test_a_symbolic_link_is_never_followed",
        "test_a_hard_link_stays",
        "test_a_file_that_a_link_leads_to_stays_unless_it_is_named",
        "test_a_file_that_a_link_leads_to_since_the_plan_stays_unless_it_was_accepted",
        "test_a_database_with_views_or_triggers_of_its_own_goes_only_if_it_is_named",
        "test_a_database_that_needs_its_application_is_checked_compared_and_counted",
        "test_a_write_that_claims_more_than_it_wrote_is_found_by_reading_back",
        "test_a_file_whose_backup_was_damaged_after_the_barrier_stays",
        "test_a_killed_cleanup_loses_nothing_and_the_same_call_finishes_it",
        "test_no_file_is_lost_when_the_power_goes_during_a_cleanup",
        "test_a_call_that_fails_loses_nothing_and_is_reported_truly",
        "test_a_cleanup_that_is_stopped_at_any_step_loses_nothing_and_the_same_call_finishes_it",
        "test_no_order_of_user_cleanup_and_restore_loses_anything",
    ),
    "Nothing that a rater answered is lost, and no cleanup takes the file.": (
        "test_the_survey_names_the_file_and_no_cleanup_takes_it",
        "test_only_a_regular_file_with_one_name_is_added_to",
        "test_two_processes_at_once_lose_and_mix_no_line",
        "test_a_full_disk_tears_no_line_but_the_last_and_the_next_answer_is_whole",
        "test_a_kill_at_any_call_loses_nothing_that_was_saved",
        "test_a_killed_process_loses_nothing_that_it_called_saved",
    ),
    "A restore writes only into the project asked for, gives back what it may, and names what it could not.": (
        "test_a_forged_root_takes_no_file_out_of_the_project",
        "test_a_forged_run_writes_nothing_that_version_control_would_run",
        "test_backups_outside_restore_into_the_copy_that_is_named_and_leave_the_original_alone",
        "test_root_carries_out_no_run_of_another_user",
        "test_a_manifest_of_another_shape_is_refused_in_one_sentence",
        "test_a_file_never_comes_back_with_setuid_or_setgid_and_that_is_said",
        "test_owner_group_attributes_and_acls_of_files_and_of_removed_folders_come_back",
        "test_a_killed_restore_never_leaves_more_rights_than_recorded_and_the_same_call_gives_everything_back",
        "test_a_dry_run_changes_nothing_and_says_what_the_restore_then_does",
    ),
    "Nothing half is in place, and nothing stale is used.": (
        "test_an_export_that_is_killed_at_any_time_leaves_whole_files_and_the_next_one_replaces_them",
        "test_an_export_on_a_full_disk_says_so_and_leaves_what_was_there",
        "test_an_export_without_power_is_the_old_one_or_the_new_one_or_says_that_it_is_neither",
        "test_two_exports_at_once_leave_one_whole_and_the_other_says_that_it_must_wait",
        "test_a_load_that_is_killed_at_any_time_leaves_no_stale_cache_and_nothing_for_good",
        "test_a_load_on_a_full_disk_says_so_and_the_next_one_is_whole",
        "test_a_report_that_ends_between_its_files_has_no_numbers_and_leaves_nothing_behind",
        "test_a_report_during_which_the_power_goes_has_no_numbers_but_those_of_its_page",
        "test_two_reports_of_one_name_do_not_take_turns_within",
        "test_what_a_killed_process_left_goes_and_what_a_living_one_uses_stays",
    ),
    "No credential appears in an export, report, widget, log or error text.": (
        "test_no_credential_is_in_its_bytes",
        "test_no_account_ever_reaches_an_export",
        "test_secrets_in_samples_are_hidden",
        "test_a_secret_is_placed_and_never_shown",
        "test_secrets_are_hidden_wherever_they_stand",
        "test_no_result_page_or_file_holds_the_password",
        "test_no_text_and_no_user_travels_with_a_chart",
    ),
    "No text from the database reaches HTML unescaped, or SQL unbound.": (
        "test_text_from_anywhere_is_escaped",
        "test_html_tables_have_one_maker",
        "test_shows_what_is_gone_and_new_and_escapes_it",
        "test_only_numbers_and_known_words_travel_with_a_chart",
        "test_values_are_bound_whatever_they_hold",
    ),
    "No number is printed without saying which rows it leaves out.": (
        "test_scores_of_another_scale_are_not_pooled",
        "test_nothing_is_claimed_of_rows_that_are_not_all_real",
        "test_at_most_200_prompts_are_followed_and_the_rest_counted",
        "test_calls_without_a_version_are_left_out_and_counted",
        "test_every_chart_says_its_n",
        "test_rows_beyond_the_limit_are_counted",
    ),
    # The section "Security" of docs/safety.md, by the words each promise begins with.
    "Credentials stay where they are.": (
        "test_nothing_that_was_made_of_a_project_holds_a_canary",
        "test_no_generation_leaks_through_attach_export_audit_or_cache",
        "test_no_error_of_a_damaged_database_quotes_what_nobody_may_read",
        "test_no_private_copy_is_left_behind",
        "test_the_search_finds_what_is_there",
        "test_no_door_shows_a_password",
        "test_a_report_hides_it_too",
        "test_a_secret_in_a_name_is_in_no_part_of_what_is_recorded",
        "test_every_secret_is_hidden_wherever_it_stands",
        "test_neither_a_cut_cell_nor_an_error_shows_a_part_of_a_secret",
        "test_the_time_grows_with_the_length_of_the_text_only",
    ),
    "A password is sent only to a server that you named.": (
        "test_only_a_host_that_the_user_names_himself_is_sent_a_password",
        "test_a_host_that_the_environment_names_is_sent_a_password_at_its_own_port_only",
    ),
    "Text from data never runs.": (
        "test_no_element_of_any_page_comes_from_data",
        "test_the_payloads_are_shown_as_the_text_they_are",
        "test_a_chart_saved_as_a_page_has_no_text_that_ends_its_script",
        "test_nothing_runs_in_a_browser",
        "test_nothing_runs_in_jupyterlab",
        "test_nothing_runs_in_voila_which_works_without_a_network",
        "test_nothing_runs_in_the_reports",
    ),
    "SQL that you type only reads.": (
        "test_every_way_out_is_refused_in_one_sentence_and_changes_nothing",
        "test_the_connection_itself_refuses_what_touches_files",
        "test_a_call_is_found_wherever_it_is",
        "test_what_is_composed_is_checked_too",
        "test_stop_ends_any_statement_at_once",
        "test_memory_has_a_limit",
        "test_what_a_user_types_as_sql_is_refused_or_answered",
        "test_what_is_put_into_sql_is_listed_with_its_reason",
        "test_sql_is_never_put_together_by_percent_or_format_or_plus",
        "test_a_file_that_is_changed_with_its_time_put_back_is_not_loaded_by_an_old_mark",
    ),
    "Code in a project never runs.": (
        "test_no_file_of_the_current_folder_is_imported_and_the_home_folder_is_in_no_report",
        "test_the_current_folder_is_on_no_path_of_a_kernel",
        "test_nothing_in_the_current_folder_is_imported",
    ),
    "Parameters are data.": (
        "test_a_name_that_is_not_declared_never_passes",
        "test_a_value_passes_only_in_its_declared_type_and_reaches_the_notebook_unchanged",
        "test_a_configuration_never_leads_out_of_the_project",
    ),
    "Bad input gives a one-line error.": (
        "test_a_damaged_database_gives_rows_or_one_sentence",
        "test_damaged_files_of_every_kind_are_rows_and_only_what_is_proved_may_go",
        "test_files_that_only_pretend_are_rows_of_the_survey",
        "test_sparse_files_of_100_gb_are_not_examined_and_never_deletable",
        "test_compressed_bombs_are_listed_and_never_unpacked",
        "test_a_tree_deeper_than_any_path_is_walked_as_far_as_paths_reach_and_the_rest_reported",
        "test_very_many_files_take_seconds_and_little_memory",
        "test_a_name_of_any_bytes_is_shown_everywhere_and_can_be_removed_and_restored",
        "test_a_row_counts_as_known_only_where_the_database_says_so",
        "test_every_statement_gets_a_verdict_and_nothing_is_changed",
        "test_a_notebook_of_any_content_is_listed_or_named_as_damaged",
        "test_without_a_folder_for_temporary_files_there_is_one_sentence",
    ),
    "Backups are private.": (
        "test_a_backup_is_private_whatever_the_mask",
        "test_git_never_sees_a_backup",
        "test_the_report_says_that_backups_hold_credentials",
        "test_a_cleaned_project_holds_canaries_only_in_its_own_files_and_their_private_backups",
    ),
}


@pytest.mark.slow
def test_every_promise_is_held_by_tests_that_exist() -> None:
    names = {
        node.name
        for file in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    for promise, tests in PROMISES.items():
        assert tests, promise
        assert set(tests) <= names, promise


def test_every_security_promise_is_held() -> None:
    section = (ROOT / "docs/safety.md").read_text("utf-8").split("\n## Security\n")[1].split("\n## ")[0]
    promised = re.findall(r"^- \*\*(.+?)\*\*", section, re.MULTILINE)
    assert promised == list(PROMISES)[-len(promised) :]
    assert len(promised) >= 6
