"""A third generator of companies: customers live day by day, get angry, forget, speak or keep silent, and leave. Not used for tuning."""
