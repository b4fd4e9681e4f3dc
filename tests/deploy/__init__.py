"""What runs the product for a company: the container image, the compose file, nginx, systemd, cron and Airflow (deploy/)."""
