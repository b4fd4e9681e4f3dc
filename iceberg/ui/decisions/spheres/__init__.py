"""The sheet of promises, targets, priorities and beliefs: on the upload page, and beside what customers did."""
