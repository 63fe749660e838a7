-- Which committed state of which database is this? One row. A snapshot sees what is committed below xmax but for what it
-- lists as running: an equal one sees the same. The other parts change where transactions may be counted anew: after a
-- restart, after a crash that the server itself recovered from (its statistics begin anew then), and between databases,
-- users and schemas. A standby does not list what is running, so there all below xmax must have ended.
-- Settings hold until the end of this transaction: exact numbers, plain times, no rows silently withheld by a policy, no
-- endless waiting for a lock, and rows in the order of their places.
-- Parameter {timeout}: milliseconds; a literal, as PostgreSQL answers through another database that binds none.
SELECT
  concat_ws('|', pg_postmaster_start_time(), (SELECT stats_reset FROM pg_stat_bgwriter), d.oid, current_user,
    current_schemas(false), pg_current_snapshot()) AS mark,
  NOT pg_is_in_recovery() OR pg_snapshot_xmin(pg_current_snapshot()) = pg_snapshot_xmax(pg_current_snapshot()) AS proved,
  set_config('extra_float_digits', '1', true) AS digits, set_config('DateStyle', 'ISO', true) AS dates,
  set_config('row_security', 'off', true) AS policies, set_config('lock_timeout', '{timeout}', true) AS patience,
  set_config('synchronize_seqscans', 'off', true) AS start, set_config('max_parallel_workers_per_gather', '0', true) AS one
FROM pg_database AS d
WHERE d.datname = current_database()
ORDER BY mark
