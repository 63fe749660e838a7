-- severity: info
-- area: schema
-- question: Is the schema older than the newest generation (G4)?
-- hint: Run the application's migrations when it is next updated; dbtools reads every generation.
SELECT generation AS id, migrated FROM database_origin WHERE generation <> 'G4' ORDER BY generation
