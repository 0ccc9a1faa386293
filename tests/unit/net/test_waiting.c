/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges of HTTP and of TFTP that wait for the same fleet, on one loop: each is woken by its own
 * listener. */
#include "unit/core/openfleet.h"

#include "net/datagram.h"
#include "net/http/http.h"
#include "net/socket.h"
#include "net/tftp/tftp.h"
#include "wire/tftp.h"

#include <signal.h>
#include <unistd.h>

#define KEY "wabcdefghijklmnopqrstuvwxyz"

static struct {
    uv_loop_t loop;
    uv_timer_t tick; /* lets the fleet hear from its store */
    struct fleet *fleet;
    struct http_server *http;
    struct tftp_server *tftp;
    struct exchange_port port;
    struct sockaddr_storage http_at, tftp_at;
    unsigned steps, ended;
    char heard_by_http[1000], heard_by_tftp[1000];
} world;

/* --- What answers --------------------------------------------------------------------------- */

static enum exchange_verdict tell_state(struct exchange *x)
{
    x->out.status = 200;
    x->out.body =
        arena_printf(&x->arena, "state %d", (int)fleet_look(world.fleet, STR("n1")).state);
    return EXCHANGE_DONE;
}

/* GET /armed: when somebody else has armed the node. */
static enum exchange_verdict until_armed(struct exchange *x, void *state)
{
    (void)state;
    world.steps++;
    if (fleet_look(world.fleet, STR("n1")).state == STATE_ARMED)
        return tell_state(x);
    fleet_watch(world.fleet, x->waiter);
    return exchange_wait(x, until_armed, NULL);
}

struct asked {
    struct slot_ref ticket;
};

static enum exchange_verdict on_changed(struct exchange *x, void *state)
{
    struct asked *asked = state;
    struct fleet_result result;
    world.steps++;
    fleet_take(world.fleet, asked->ticket, &x->arena, &result);
    if (result.answer == FLEET_PENDING)
        return exchange_wait(x, on_changed, asked);
    assert_int_equal(result.answer, FLEET_DONE);
    return tell_state(x);
}

/* GET /arm: when the change is committed. */
static enum exchange_verdict arm(struct exchange *x, void *state)
{
    const struct change c = {.kind = CHANGE_ARM, .arm = {1000000, STR("join"), STR(KEY)}};
    struct asked *asked = ARENA_NEW(&x->arena, struct asked);
    (void)state;
    asked->ticket = fleet_change(world.fleet, STR("n1"), STR("n1"), &c, x->waiter);
    return on_changed(x, asked);
}

static void on_begin(void *cls, struct exchange *x)
{
    (void)cls;
    x->next = str_is(x->in.path, "/arm") ? arm : until_armed;
}

static void on_end(void *cls, struct exchange *x)
{
    (void)cls;
    fleet_unwatch(world.fleet, x->waiter);
    world.ended++;
}

/* --- The servers ---------------------------------------------------------------------------- */

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
    fleet_on_store(world.fleet);
}

static void listen_on(int fd, enum exchange_listener kind, struct sockaddr_storage *ret)
{
    const struct listener l = {.fd = fd, .kind = kind, .name = "test"};
    struct err e;
    assert_true(fd >= 0);
    socket_address(socket_endpoint(fd), ret);
    assert_int_equal(kind == LISTENER_TFTP ? tftp_server_listen(world.tftp, &l, &e)
                                           : http_server_listen(world.http, &l, &e),
                     0);
}

static int open_world(void **state)
{
    static const struct http_limits http = {100, 100, 60000, 60000};
    static const struct tftp_limits tftp = {
        .transfers = 10, .transfers_per_address = 10, .windowsize = 1};
    struct endpoint any;
    struct err e;
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    memset(&world, 0, sizeof(world));
    world.fleet = openfleet_start();
    world.port = (struct exchange_port){.begin = on_begin, .end = on_end};
    uv_loop_init(&world.loop);
    uv_timer_init(&world.loop, &world.tick);
    uv_timer_start(&world.tick, on_tick, 2, 2);
    assert_int_equal(http_server_new(&world.loop, &world.port, NULL, &http, &world.http, &e), 0);
    tftp_server_new(&world.loop, &world.port, NULL, &tftp, &world.tftp);
    assert_true(endpoint_parse(STR("127.0.0.1:0"), &any));
    listen_on(socket_listen(any, &e), LISTENER_BOOT, &world.http_at);
    listen_on(datagram_listen(any, &e), LISTENER_TFTP, &world.tftp_at);
    uint64_t newest;
    while (!fleet_newest_event(world.fleet, &newest)) /* it wakes all watchers */
        uv_run(&world.loop, UV_RUN_ONCE);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    http_server_free(world.http);
    tftp_server_free(world.tftp);
    uv_close((uv_handle_t *)&world.tick, NULL);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    fleet_close(world.fleet);
    return uv_loop_close(&world.loop);
}

/* --- The clients, which look at their sockets between turns of the loop ---------------------- */

static int ask_http(const char *path)
{
    char say[100];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&world.http_at, sizeof(struct sockaddr_in)), 0);
    int n = snprintf(say, sizeof(say), "GET %s HTTP/1.0\r\n\r\n", path);
    assert_int_equal(write(fd, say, (size_t)n), n);
    return fd;
}

static int ask_tftp(const char *file)
{
    struct buf b;
    const struct tftp_packet rrq = {.opcode = TFTP_RRQ, .file = str_from(file), .mode = TFTP_OCTET};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    buf_init(&b, 600);
    assert_true(tftp_write(&b, &rrq));
    assert_int_equal(
        sendto(fd, b.p, b.n, 0, (struct sockaddr *)&world.tftp_at, sizeof(struct sockaddr_in)),
        b.n);
    buf_done(&b);
    return fd;
}

static void run_until_steps(unsigned n)
{
    while (world.steps < n)
        uv_run(&world.loop, UV_RUN_ONCE);
}

static void hear(int fd, char *to)
{
    ssize_t n = 0;
    while ((n = recv(fd, to, 999, MSG_DONTWAIT)) <= 0)
        uv_run(&world.loop, UV_RUN_ONCE);
    to[n] = '\0';
    close(fd);
}

/* An HTTP answer, and a DATA packet. */
static void both_hear(int http, int tftp, const char *text)
{
    hear(http, world.heard_by_http);
    assert_contains(world.heard_by_http, text);
    hear(tftp, world.heard_by_tftp);
    assert_string_equal(world.heard_by_tftp + TFTP_HEADER_BYTES, text);
}

/* --- The tests ------------------------------------------------------------------------------ */

static const char *armed(void)
{
    static char text[20];
    snprintf(text, sizeof(text), "state %d", STATE_ARMED);
    return text;
}

static void both_wait_for_a_change_by_a_third(void **state)
{
    (void)state;
    const struct change c = {.kind = CHANGE_ARM, .arm = {1000000, STR("join"), STR(KEY)}};
    int http = ask_http("/armed");
    run_until_steps(1);
    int tftp = ask_tftp("armed");
    run_until_steps(2);
    fleet_rouse(world.fleet); /* a wake without news */
    run_until_steps(4);
    fleet_forget(world.fleet,
                 fleet_change(world.fleet, STR("n1"), STR("n1"), &c, (struct waiter){0}));
    both_hear(http, tftp, armed());
    assert_int_equal(world.steps, 6);
}

static void tftp_changes_what_http_waits_for(void **state)
{
    (void)state;
    int http = ask_http("/armed");
    run_until_steps(1);
    int tftp = ask_tftp("arm");
    both_hear(http, tftp, armed());
}

static void http_changes_what_tftp_waits_for(void **state)
{
    (void)state;
    int tftp = ask_tftp("armed");
    run_until_steps(1);
    int http = ask_http("/arm");
    both_hear(http, tftp, armed());
}

/* The names of slots are each listener's own: the first of each has the same. */
static void one_that_leaves_takes_nothing_from_the_other(void **state)
{
    (void)state;
    int http = ask_http("/armed");
    run_until_steps(1);
    int tftp = ask_tftp("armed");
    run_until_steps(2);
    tftp_server_free(world.tftp);
    world.tftp = NULL;
    assert_int_equal(world.ended, 1);
    close(ask_http("/arm"));
    hear(http, world.heard_by_http);
    assert_contains(world.heard_by_http, armed());
    close(tftp);
}

#define IN_WORLD(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

UNIT_MAIN(IN_WORLD(both_wait_for_a_change_by_a_third), IN_WORLD(tftp_changes_what_http_waits_for),
          IN_WORLD(http_changes_what_tftp_waits_for),
          IN_WORLD(one_that_leaves_takes_nothing_from_the_other))
