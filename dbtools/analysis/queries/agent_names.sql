-- Which agents compete? One row each. Reads the working table entries. (No parameters.)
SELECT DISTINCT agent FROM entries ORDER BY agent
