-- severity: warning
-- area: references
-- question: Which rows have a timestamp more than a day in the future?
-- hint: Do not rely on their timestamps; they are in another unit, or the clock was wrong.
SELECT relation || ' row ' || row_id AS id, relation, moment, row_id
FROM row_timestamps
-- One day of tolerance: local time may be up to 14 hours ahead of UTC.
WHERE moment > (SELECT now FROM clock) + INTERVAL '1' DAY
ORDER BY relation, row_id
