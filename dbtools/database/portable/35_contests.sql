-- Which agents met in which prompt, and how did each fare? One row per prompt, provenance and competing agent; what each
-- column says stands in 30_contest_results.sql. (No parameters.)
SELECT
  prompt_id, agent, version_id, version_no, created_at, agents, provenance, scale, total, clarity, specificity,
  actionability, structure, context_use, text_length, prompt_key, recorded_win, score_win, selected_win, user_win
FROM contest_results
