/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch/watch.h"

#include "base/mem.h"
#include "cli/common/span.h"
#include "cli/common/term.h"

#include <stdio.h>
#include <stdlib.h>

#define BAR_COLUMNS 20
#define CELL_MAX_BYTES ((size_t)4096)
#define COLUMNS 6
#define GAP_COLUMNS 2 /* between columns */
#define NAME_COLUMNS_MAX 32
#define STAGE_COLUMNS_MAX 36
#define ELAPSED_COLUMNS 8
#define BAR_CELL_COLUMNS (BAR_COLUMNS + 8)
#define BAR_LEAST_COLUMNS (4 + GAP_COLUMNS)
#define MESSAGE_COLUMNS 30 /* what the other columns leave to a message, if they can */
#define INDENT_COLUMNS 4   /* of a reason's second line */
#define CLEAR_REST "\033[K"

enum { NAME, STATE, STAGE, BAR, ELAPSED, MESSAGE };

/* The order of states in the table: active nodes first. */
static const char *const orders[] = {"booting", "installing", "joining",    "failed", "up",
                                     "armed",   "ready",      "registered", NULL};

static int order_of(const struct node_view *s)
{
    int i = 0;
    while (orders[i] && strcmp(orders[i], s->state) != 0)
        i++;
    return i <= 2 ? 0 : i;
}

static int by_order(const void *a, const void *b)
{
    const struct node_view *const *sa = a, *const *sb = b;
    int order = order_of(*sa) - order_of(*sb);
    return order ? order : strcmp((*sa)->name, (*sb)->name);
}

struct layout {
    const struct frame *frame;
    struct buf *out;
    size_t width[COLUMNS], left; /* left: columns left in this line */
};

/* Appends as much of the text as fits in the line. */
static void put_text(struct layout *l, struct str text, size_t width)
{
    struct buf safe;
    buf_init(&safe, CELL_MAX_BYTES);
    term_line(&safe, text);
    struct str head = term_head(buf_view(&safe), width < l->left ? width : l->left);
    buf_str(l->out, head);
    l->left -= term_width(head);
    buf_done(&safe);
}

static void put(struct layout *l, struct str text, size_t width)
{
    size_t before = l->left;
    put_text(l, text, width - GAP_COLUMNS);
    for (size_t taken = before - l->left; taken < width && l->left; taken++, l->left--)
        buf_char(l->out, ' ');
}

/* Leaves the last column free: some terminals wrap after it. */
static void begin_line(struct layout *l)
{
    l->left = l->frame->columns ? l->frame->columns - 1 : 0;
}

static void end_line(struct layout *l)
{
    while (l->out->n && l->out->p[l->out->n - 1] == ' ')
        l->out->n--;
    buf_printf(l->out, CLEAR_REST "\n");
}

static void put_color(struct layout *l, const char *color)
{
    if (l->frame->color)
        buf_printf(l->out, "%s", color);
}

static bool has_bar(const struct layout *l)
{
    return l->width[BAR] > BAR_LEAST_COLUMNS + 8;
}

static void put_head(struct layout *l)
{
    static const char *const heads[COLUMNS] = {"NODE",     "STATE",   "STAGE",
                                               "PROGRESS", "ELAPSED", "MESSAGE"};
    begin_line(l);
    put_color(l, TERM_BOLD);
    for (int i = 0; i < MESSAGE; i++)
        put(l, has_bar(l) || i != BAR ? str_from(heads[i]) : STR("DONE"), l->width[i]);
    put_text(l, str_from(heads[MESSAGE]), SIZE_MAX);
    put_color(l, TERM_PLAIN);
    end_line(l);
}

/* If the progress is unknown, a marker moves back and forth. Without room for a bar it is a number.
 */
static void put_bar(struct layout *l, const struct node_view *s, double done, int64_t running_s)
{
    char text[BAR_CELL_COLUMNS + 1] = "", percent[8] = "";
    size_t bar = has_bar(l) ? l->width[BAR] - 9 : 0;
    if (s->step_failed)
        snprintf(percent, sizeof(percent), "fail");
    else if (done >= 0)
        snprintf(percent, sizeof(percent), "%3d%%", (int)(done * 100));
    if (bar) {
        size_t full = (size_t)((done < 0   ? 0
                                : done > 1 ? 1
                                           : done) *
                               (double)bar),
               at = (size_t)running_s % (2 * bar - 6);
        text[0] = '[';
        memset(text + 1, done < 0 ? ' ' : '-', bar);
        memset(text + 1, s->step_failed ? '!' : '#', full);
        if (done < 0)
            memcpy(text + 1 + (at > bar - 3 ? 2 * (bar - 3) - at : at), "<=>", 3);
        snprintf(text + bar + 1, sizeof(text) - bar - 1, "] %s", percent);
    }
    put(l, str_from(bar ? text : percent), l->width[BAR]);
}

/* A boot in progress, or one whose end the node has not reported yet. */
static bool is_active(const struct node_view *s)
{
    return order_of(s) == 0 || strcmp(s->state, "up") == 0;
}

/* The duration of a boot in progress, otherwise of the state. */
static int64_t elapsed_s(const struct node_view *s, int64_t now_ms)
{
    int64_t from = s->began_ms >= 0 && s->ended_ms < 0 && is_active(s) ? s->began_ms : s->since_ms;
    return from < 0 ? -1 : (now_ms - from) / 1000;
}

/* The columns before the message. */
static size_t columns_before_message(const struct layout *l)
{
    size_t n = 0;
    for (int i = 0; i < MESSAGE; i++)
        n += l->width[i];
    return n;
}

/* What of the message stands in the row. */
static struct str message_head(const struct layout *l, const struct node_view *s)
{
    size_t before = columns_before_message(l), columns = l->frame->columns;
    size_t room = columns > before + 1 ? columns - 1 - before : 0;
    struct str message = str_from(s->message);
    return s->bad && room ? term_words(message, room) : term_head(message, room);
}

/* A reason that does not fit goes on in a second line. */
static uint32_t row_lines(const struct layout *l, const struct node_view *s)
{
    return s->bad && message_head(l, s).n < strlen(s->message) ? 2 : 1;
}

static void put_rest(struct layout *l, const struct node_view *s)
{
    struct str rest = str_skip(str_from(s->message), message_head(l, s).n);
    end_line(l);
    begin_line(l);
    put(l, STR(""), INDENT_COLUMNS);
    put_text(l, str_trim(rest), SIZE_MAX);
}

static void put_row(struct layout *l, const struct tracker *t, const struct node_view *s)
{
    bool failed = strcmp(s->state, "failed") == 0;
    int64_t seconds = elapsed_s(s, l->frame->now_ms);
    double done = tracker_fraction(t, s, l->frame->now_ms);
    char span[SPAN_TEXT_SIZE] = "";
    begin_line(l);
    put_color(l, failed || s->bad ? TERM_RED : is_active(s) ? "" : TERM_DIM);
    put(l, str_from(s->name), l->width[NAME]);
    put(l, str_from(s->state), l->width[STATE]);
    put(l, str_from(s->stage), l->width[STAGE]);
    if (is_active(s) && s->began_ms >= 0)
        put_bar(l, s, done, seconds < 0 ? 0 : seconds);
    else
        put(l, STR(""), l->width[BAR]);
    put(l, str_from(seconds < 0 ? "" : span_text(seconds, span)), l->width[ELAPSED]);
    put_text(l, message_head(l, s), SIZE_MAX);
    if (row_lines(l, s) > 1)
        put_rest(l, s);
    put_color(l, TERM_PLAIN);
    end_line(l);
}

static size_t at_most(size_t n, size_t max)
{
    return n < max ? n : max;
}

/* The bar gives way first, then stages and names: the message is what an admin looks for. */
static void leave_room(struct layout *l)
{
    static const struct {
        int column;
        size_t least;
    } gives[] = {{BAR, BAR_LEAST_COLUMNS}, {STAGE, 12 + GAP_COLUMNS}, {NAME, 14}};
    for (size_t i = 0; i < sizeof(gives) / sizeof(gives[0]); i++) {
        size_t *width = &l->width[gives[i].column], columns = l->frame->columns,
               taken = columns_before_message(l) + MESSAGE_COLUMNS;
        size_t excess = taken > columns ? taken - columns : 0;
        size_t room = *width > gives[i].least ? *width - gives[i].least : 0;
        *width -= excess < room ? excess : room;
    }
}

static void measure(struct layout *l, const struct fleetview *v)
{
    const size_t least[COLUMNS] = {[NAME] = 4,
                                   [STATE] = 10,
                                   [STAGE] = 5,
                                   [BAR] = BAR_CELL_COLUMNS - 1,
                                   [ELAPSED] = ELAPSED_COLUMNS};
    memcpy(l->width, least, sizeof(least));
    for (uint32_t i = 0; i < v->n; i++) {
        size_t name = at_most(term_width(str_from(v->list[i].name)), NAME_COLUMNS_MAX),
               stage = at_most(term_width(str_from(v->list[i].stage)), STAGE_COLUMNS_MAX);
        l->width[NAME] = name > l->width[NAME] ? name : l->width[NAME];
        l->width[STAGE] = stage > l->width[STAGE] ? stage : l->width[STAGE];
    }
    for (int i = 0; i < MESSAGE; i++)
        l->width[i] += GAP_COLUMNS;
    leave_room(l);
}

/* Appends "2 nodes: 1 booting, 1 ready" for the nodes from number `from` on. */
static void put_counts(struct layout *l, const struct node_view *const *list, uint32_t from,
                       uint32_t n, const char *what)
{
    struct buf text;
    buf_init(&text, CELL_MAX_BYTES);
    buf_printf(&text, "%u %s", n - from, what);
    const char *before = ": ";
    for (size_t k = 0; orders[k]; k++) {
        uint32_t count = 0;
        for (uint32_t i = from; i < n; i++)
            count += strcmp(list[i]->state, orders[k]) == 0;
        if (count)
            buf_printf(&text, "%s%u %s", before, count, orders[k]);
        before = count ? ", " : before;
    }
    begin_line(l);
    put_text(l, buf_view(&text), SIZE_MAX);
    end_line(l);
    buf_done(&text);
}

static void put_foot(struct layout *l)
{
    begin_line(l);
    if (l->frame->trouble) {
        put_color(l, TERM_YELLOW);
        put_text(l, STR("trying again: "), SIZE_MAX);
        put_text(l, str_from(l->frame->trouble), SIZE_MAX);
    } else {
        put_color(l, TERM_DIM);
        put_text(l, STR("q ends this"), SIZE_MAX);
    }
    put_color(l, TERM_PLAIN);
    buf_str(l->out, STR(CLEAR_REST));
}

/* How many rows fit; a line is kept for the number of the others. */
static uint32_t count_shown(const struct layout *l, const struct node_view *const *list, uint32_t n)
{
    uint32_t room = l->frame->rows > 4 ? l->frame->rows - 3 : 1, all = 0, lines = 0, shown = 0;
    for (uint32_t i = 0; i < n; i++)
        all += row_lines(l, list[i]);
    if (all <= room || l->frame->last)
        return n;
    while (shown < n && lines + row_lines(l, list[shown]) <= room - 1)
        lines += row_lines(l, list[shown++]);
    return shown;
}

void frame_write(const struct frame *f, const struct tracker *t, struct buf *out)
{
    struct layout l = {.frame = f, .out = out};
    uint32_t n = t->view.n;
    const struct node_view **list = mem_zalloc(n + 1, sizeof(struct node_view *));
    for (uint32_t i = 0; i < n; i++)
        list[i] = &t->view.list[i];
    qsort(list, n, sizeof(struct node_view *), by_order);
    measure(&l, &t->view);
    put_head(&l);
    uint32_t shown = count_shown(&l, list, n);
    for (uint32_t i = 0; i < shown; i++)
        put_row(&l, t, list[i]);
    if (shown < n)
        put_counts(&l, list, shown, n, "more");
    put_counts(&l, list, 0, n, n == 1 ? "node" : "nodes");
    if (!f->last)
        put_foot(&l);
    free(list);
}
