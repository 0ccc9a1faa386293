/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose: builds a tree from the nodes of a YAML file, in the order in which they come.
 *
 * It does not know libyaml: yaml.c calls it for each node and takes the root at the end. It handles
 * anchors, duplicate keys, merge keys and the limits on depth and aliases.
 */
#ifndef CLOUDSEED_TREE_COMPOSE_H
#define CLOUDSEED_TREE_COMPOSE_H

#include "base/map.h"
#include "tree/yaml.h"

/* A collection that is not closed yet. */
struct compose_frame {
    struct yaml_node *node;
    uint32_t first;  /* of its children on the stack */
    uint32_t anchor; /* its number, MAP_NONE: none */
    uint64_t before; /* weight of everything before it */
    unsigned height; /* levels below it so far */
};

struct compose_anchor {
    struct str name;
    const struct yaml_node *node;
    uint64_t weight;
    unsigned height;
    bool open; /* not complete yet: an alias to it would never end */
};

struct compose {
    const char *file;
    struct arena *arena;
    struct faults *faults;
    const struct yaml_node **stack; /* children of open collections */
    uint32_t stack_n, stack_room;
    struct compose_frame frames[YAML_DEPTH_MAX];
    unsigned depth;
    struct compose_anchor *anchors;
    uint32_t anchors_n, anchors_room;
    struct map anchor_names;
    uint64_t weight;  /* bytes so far, aliases expanded */
    uint64_t aliased; /* of these, the aliases' part */
    const struct yaml_node *root;
};

void compose_init(struct compose *c, const char *file, struct arena *a, struct faults *faults);
void compose_done(struct compose *c);

/* Each returns false after a fault that makes the rest of the file useless. `anchor` is empty where
 * there is none; its text must live as long as the arena. */
bool compose_scalar(struct compose *c, const struct yaml_node *y, struct str anchor);
bool compose_open(struct compose *c, struct yaml_node *y, struct str anchor);
bool compose_close(struct compose *c);
bool compose_alias(struct compose *c, struct str name, struct place at);

#endif
