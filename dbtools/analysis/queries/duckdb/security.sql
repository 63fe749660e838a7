-- What was checked for risk, and what was blocked: by label, band of the risk score, and time? One row per group.
-- Parameters: $provenance (real, generated, or all; by the user id).
-- disagree: label and is_blocked contradict each other. The longer the span, the longer the periods.
WITH
chosen AS (
  SELECT *, floor(least(risk_score, 99) / 10) * 10 AS band
  FROM security_inputs
  WHERE $provenance IN (CASE WHEN test_user THEN 'generated' ELSE 'real' END, 'all')
),
span AS (
  SELECT date_diff('day', min(created_at), max(created_at)) AS days FROM chosen
),
each AS (
  SELECT
    c.*,
    unnest([
      {'kind': 'all', 'name': 'all'},
      {'kind': 'label', 'name': coalesce(label, '(none)')},
      {'kind': 'score', 'name': CASE WHEN risk_score BETWEEN 0 AND 100
        THEN printf('%02d–%d', band::INTEGER, band::INTEGER + 10) ELSE '(none)' END},
      {'kind': 'time', 'name': coalesce(strftime(date_trunc(
        CASE WHEN days <= 62 THEN 'day' WHEN days <= 1830 THEN 'month' ELSE 'year' END, created_at), '%Y-%m-%d'), '(none)')}
    ]) AS place
  FROM chosen AS c, span
)
SELECT
  place.kind AS kind, place.name AS name, count(*) AS n, count(*) FILTER (is_blocked) AS blocked,
  avg(risk_score) AS mean_risk, median(risk_score) AS median_risk, max(risk_score) AS highest_risk,
  count(*) FILTER ((label = 'blocked') != is_blocked) AS disagree
FROM each
GROUP BY place
ORDER BY list_position(['all', 'label', 'score', 'time'], kind),
  list_position(['safe', 'low-risk', 'medium-risk', 'high-risk', 'blocked'], name) NULLS LAST, name
