"""The iceberg picture: shape, layout, labels and drawing."""
