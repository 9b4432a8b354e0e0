"""What is known of source and target data without OpenMMLab: pairs, counts, checks and sources."""
