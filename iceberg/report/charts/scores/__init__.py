"""What customers declared beside what they did, drawn: who had said what before leaving, and who leaves by the last score."""
