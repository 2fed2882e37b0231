"""What the features are worth: one evaluation a file, tables in, records out, no model in sight."""
