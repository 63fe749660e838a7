-- severity: warning
-- area: provenance
-- question: Do all heads, five or more, store the same score?
-- hint: Do not use the stored scores; a program wrote a constant.
SELECT prompt_id AS id, score, row_id
FROM heads
QUALIFY count(*) OVER () >= 5 AND min(score) OVER () = max(score) OVER () AND count(score) OVER () = count(*) OVER ()
ORDER BY row_id
