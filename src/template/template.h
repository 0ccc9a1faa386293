/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template: text with Jinja2's syntax, compiled once and rendered many times.
 *
 * A set holds all templates of a tree. It is filled, linked (includes find their targets) and then
 * frozen: any thread may render from it. It knows nothing of nodes or files: the caller passes
 * texts, names are looked up through a callback. What the subset of Jinja2 lacks is refused when
 * the template is compiled, never rendered differently (docs/templates.md lists it).
 */
#ifndef CLOUDSEED_TEMPLATE_TEMPLATE_H
#define CLOUDSEED_TEMPLATE_TEMPLATE_H

#include "base/buf.h"
#include "base/fault.h"
#include "base/value.h"

struct template;
struct template_set;

struct template_set *template_set_new(void);
void template_set_free(struct template_set *set);

/* Compiles `text` under `name` (a relative path such as "k8s/user-data"); both are copied. Every
 * fault found is reported with the place in the text, its line and a caret. `file` is the name
 * that faults show. -EEXIST for a name that is taken, -EINVAL after faults. */
int template_set_add(struct template_set *set, struct str name, const char *file, struct str text,
                     struct faults *faults);

/* Resolves every include whose name is a constant; a missing target or a cycle of constant
 * includes is a fault at the place of the include. Nothing may be added afterwards. */
int template_set_link(struct template_set *set, struct faults *faults);

/* NULL where there is none. Lives as long as the set. */
const struct template *template_set_find(const struct template_set *set, struct str name);

/* The name it was added under. */
struct str template_name(const struct template *t);

/* What a template sees: false where there is no such name. The value must live as long as the
 * arena of the rendering. */
struct template_scope {
    bool (*lookup)(void *cls, struct str name, struct value *ret);
    void *cls;
    /* May be NULL. What to add to the message about an undefined name, or NULL. */
    const char *(*explain)(struct str name);
    /* For template_fold; may be NULL. Whether a name that lookup does not have is undefined in
     * every rendering, too, rather than left to it. */
    bool (*is_undefined)(void *cls, struct str name);
};

/* Texts of a folded template may get a mark, by which a sink recognises them. */
struct template_marker {
    /* NULL: no mark. The text lives as long as the folded template, and so must the mark. */
    const void *(*mark)(void *cls, struct str text);
    void *cls;
};

/* The same template with everything written out that depends only on names that `known` has, or
 * knows to be undefined; other names are left to the rendering, whose scope must agree with `known`
 * about the rest. Lives in `arena`, and no longer than the set. `marker` may be NULL. */
const struct template *template_fold(const struct template *t, struct template_scope known,
                                     const struct template_marker *marker, struct arena *arena);

/* Each attribute of `name` that the template itself, not what it includes, reads from the outer
 * scope, and where: `attr` is "b" for a.b and a["b"], empty for any other use of a. */
void template_attributes(const struct template *t, struct str name,
                         void (*on_attr)(void *cls, struct str attr, struct place at), void *cls);
/* Each name that the template itself reads from the outer scope, as often as it does. */
void template_names(const struct template *t, void (*on_name)(void *cls, struct str name),
                    void *cls);
/* Each include of the template itself that names a constant, and where. */
void template_includes(const struct template *t,
                       void (*on_include)(void *cls, const struct template *target,
                                          struct place at),
                       void *cls);

/* Which of `name`'s attributes the template and its includes may read, as bits in the order of
 * `attrs` (at most 31): the scope need not provide the others. All of them where that is not
 * certain, and where any other attribute is read: the message about it suggests those that exist.
 */
unsigned template_reads(const struct template *t, struct str name, const struct str *attrs,
                        unsigned n);

/* Caps of one rendering; 0 takes the default. */
struct template_limits {
    /* Statements, operations and what these read and write: a step is some 20 ns at most, so that
     * none of the server's other clients waits long. Default 1,000,000. */
    uint32_t steps_max;
    uint32_t depth_max; /* nested includes; default 16 */
    /* Output is capped by the buffer, memory by the arena's use: default 16 MiB */
    size_t memory_max_bytes;
};

/* Where and why a rendering stopped. */
struct template_fault {
    struct place at; /* in the template, or in an included one */
    char msg[512];
    char excerpt[512]; /* the line and a caret, empty where there is none */
    char trace[256];   /* "included from master:12", empty where there is none */
};

struct template_trace; /* trace.h: what wrote which part of the output */

/* Appends the rendering to `out`. Intermediate values come from `arena`, which the caller resets
 * or ends afterwards; `trace` may be NULL. Where the arena is secret, so are the rendering's own
 * buffers. -EINVAL with *ret_fault filled where the template cannot be rendered. */
int template_render(const struct template *t, struct template_scope scope,
                    const struct template_limits *limits, struct arena *arena, struct buf *out,
                    struct template_trace *trace, struct template_fault *ret_fault);

/* Writes the marked texts of a rendering. */
struct template_sink {
    /* All of the output before the text is in the buffer. False: the output is too large. */
    bool (*write)(void *cls, const void *mark);
    void *cls;
};

/* As template_render, but the marked texts go to the sink, which appends what it likes. */
int template_render_to_sink(const struct template *t, struct template_scope scope,
                            struct arena *arena, struct buf *out, const struct template_sink *sink,
                            struct template_fault *ret_fault);

/* One row of the language's reference: a filter, a test or a method. */
struct template_builtin {
    const char *kind; /* "filter", "test", "string method", "mapping method" */
    const char *name;
    const char *const *params; /* in order, NULL behind the last; "/x": only by position */
    unsigned params_max;       /* `params` has no NULL where it is full */
    unsigned required;         /* that many of them must be given */
    const char *help;          /* one line */
    const char *example;       /* a template; some use `proxy`, which is undefined */
    const char *result;        /* what it renders as */
};

/* Row number `i`, by kind and name; false behind the last. */
bool template_builtin_at(size_t i, struct template_builtin *ret);

#endif
