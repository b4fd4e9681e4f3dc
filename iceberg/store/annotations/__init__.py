"""What people write about a study (title, description, targets, notes), and what stays with it from version to version."""
