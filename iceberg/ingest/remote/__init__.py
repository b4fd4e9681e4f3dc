"""Tables that live elsewhere (databases, object stores, Delta and Iceberg tables), brought to a private file that is read as any other file."""
