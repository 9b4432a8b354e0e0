"""From losses to new weights of student and teacher."""
