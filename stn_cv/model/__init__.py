"""The fitted thing: weights and image spec, without scikit-learn; saved and loaded."""
