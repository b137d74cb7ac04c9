"""Short, paired training trials that tell which suspects have an effect on the accuracy."""
