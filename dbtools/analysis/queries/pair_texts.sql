-- How many prompt texts have versions of both agents? One row per pair of agents. Reads the working table paired. (No parameters.)
SELECT a, b, count(DISTINCT cluster) AS texts FROM paired GROUP BY a, b ORDER BY a, b
