-- Did the judge's totals move over time, by more than chance explains? One row, or none. (No parameters.)
SELECT drift, error FROM judge_drift WHERE prompts >= 30 AND abs(drift) >= 6 AND abs(drift) >= 4 * error ORDER BY drift NULLS LAST
