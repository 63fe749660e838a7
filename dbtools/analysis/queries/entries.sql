-- Which version of each agent competes in each prompt, and which wins does it have? (A working table: every other query reads
-- it.) One row per prompt and agent: the last version among the chosen provenances. Parameters: $kinds (the provenances that
-- count), $failed_scale (NULL, or the scale on which a failed run counts as 0). Within one provenance it is what contest_results holds.
-- Where failed runs count, they do so only in prompts that some agent answered, and only for agents that did not answer.
-- contest: NULL without a prompt; cluster: prompts of the same normalised text; repeated: whether other contests may be of
-- the same cluster; turn: the smaller, the earlier in its prompt. The wins are NULL where they are not decidable: where an
-- agent is alone; recorded: no head of these versions; score: a score is missing or of another scale (a tie of k counts 1/k);
-- selected, voted: the application or the users chose none of these agents.
WITH
marked AS (
  SELECT
    *,
    CASE WHEN provenance = 'placeholder' AND $failed_scale IS NOT NULL THEN 1 ELSE 0 END AS failed
  FROM candidates
  WHERE array_contains($kinds, provenance)
),
among AS (
  SELECT
    contest, cluster, repeated, prompt_id, agent, provenance, version_no, created_at,
    CASE WHEN failed = 1 THEN $failed_scale || '' ELSE scale END AS scale,
    CASE WHEN failed = 1 THEN 0e0 ELSE total END AS total, CASE WHEN failed = 1 THEN 0e0 ELSE clarity END AS clarity,
    CASE WHEN failed = 1 THEN 0e0 ELSE specificity END AS specificity,
    CASE WHEN failed = 1 THEN 0e0 ELSE actionability END AS actionability,
    CASE WHEN failed = 1 THEN 0e0 ELSE structure END AS structure,
    CASE WHEN failed = 1 THEN 0e0 ELSE context_use END AS context_use,
    CASE WHEN failed = 0 THEN text_length END AS text_length, failed = 0 AND selected AS selected,
    CASE WHEN failed = 0 THEN times END AS times, min(contest) OVER (PARTITION BY prompt_id) AS pooled,
    max(CASE WHEN failed = 0 THEN has_head ELSE 0 END) OVER (PARTITION BY prompt_id, agent) AS head,
    min(failed) OVER (PARTITION BY prompt_id) AS unanswered,
    row_number() OVER (
      PARTITION BY prompt_id, agent
      ORDER BY failed, version_no DESC NULLS LAST, created_at DESC NULLS LAST, contest NULLS LAST
    ) AS place
  FROM marked
),
entered AS (
  -- Totals are sums of scores: the ninth decimal is noise.
  SELECT *, floor(total * 1e9 + 0.5e0) / 1e9 AS points FROM among WHERE place = 1 AND unanswered = 0
),
met AS (
  SELECT
    pooled, count(*) AS agents, max(head) AS headed, max(CASE WHEN selected THEN 1 ELSE 0 END) AS selection,
    sum(times) AS choices,
    CASE WHEN min(scale) = max(scale) AND count(total) = count(*) THEN max(points) END AS highest
  FROM entered
  GROUP BY pooled
),
leaders AS (
  SELECT e.pooled, count(*) AS times
  FROM entered AS e JOIN met AS m ON m.pooled = e.pooled AND m.highest = e.points
  GROUP BY e.pooled
)
SELECT
  CASE WHEN e.prompt_id IS NOT NULL THEN e.pooled END AS contest, e.prompt_id, e.cluster, e.repeated,
  e.agent, e.provenance, e.scale, e.total,
  e.clarity, e.specificity, e.actionability, e.structure, e.context_use, e.text_length, e.created_at,
  row_number() OVER (PARTITION BY e.pooled ORDER BY e.version_no NULLS LAST, e.agent) AS turn, m.agents,
  CASE WHEN m.agents > 1 AND m.headed = 1 THEN 1e0 * e.head END AS recorded,
  CASE WHEN m.agents > 1 AND m.highest IS NOT NULL
    THEN CASE WHEN e.points = m.highest THEN 1e0 ELSE 0e0 END / l.times
  END AS score,
  CASE WHEN m.agents > 1 AND m.selection = 1 THEN CASE WHEN e.selected THEN 1e0 ELSE 0e0 END END AS selected,
  CASE WHEN m.agents > 1 AND m.choices > 0 THEN 1e0 * coalesce(e.times, 0) / m.choices END AS voted
FROM entered AS e JOIN met AS m ON m.pooled = e.pooled LEFT JOIN leaders AS l ON l.pooled = e.pooled
