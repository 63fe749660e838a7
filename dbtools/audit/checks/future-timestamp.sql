-- severity: warning
-- area: references
-- question: Which rows have a timestamp more than a day in the future?
-- hint: Distrust their timestamps; they were written in another unit, or by a clock that was wrong.
SELECT relation || ' row ' || row_id AS id, relation, moment, row_id
FROM row_timestamps
-- A day of grace: some programs write local time, which runs up to 14 hours ahead.
WHERE moment > (SELECT now FROM clock) + INTERVAL '1' DAY
ORDER BY relation, row_id
