/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers whose exchange waits, over a port of the test's own. tests/e2e/test_tftp.py has the
 * rest of the protocol. */
#include "lib/unit.h"

#include "net/datagram.h"
#include "net/socket.h"
#include "net/tftp/tftp.h"
#include "wire/tftp.h"

#include <errno.h>
#include <unistd.h>

/* The path of a request decides what the port does. */
static struct {
    uv_loop_t loop;
    uv_timer_t tick; /* so that the loop never sleeps for long */
    uv_poll_t watch; /* of the client's socket */
    struct tftp_server *server;
    struct exchange_port port;
    struct endpoint at;
    struct waiter waiting; /* of the last exchange that stepped */
    unsigned steps, ended, wakes_left;
    int client;
    char packet[600]; /* the last that the client got */
    struct tftp_packet got;
    bool drained;
} world;

static enum exchange_verdict on_step(struct exchange *x, void *state);

static void on_begin(void *cls, struct exchange *x)
{
    (void)cls;
    x->next = on_step;
}

static enum exchange_verdict on_step(struct exchange *x, void *state)
{
    (void)state;
    world.steps++;
    world.waiting = x->waiter;
    if (world.wakes_left) {
        world.wakes_left--;
        if (str_is(x->in.path, "/self")) /* within the step */
            waiter_wake(x->waiter);
        return exchange_wait(x, on_step, NULL);
    }
    x->out.status = str_is(x->in.path, "/refused") ? 403 : 200;
    x->out.reason = x->out.status == 403 ? "not you" : NULL;
    x->out.body = STR("hello");
    return EXCHANGE_DONE;
}

static void on_end(void *cls, struct exchange *x)
{
    (void)cls;
    (void)x;
    world.ended++;
}

/* --- The server and its client, on one loop ------------------------------------------------- */

static void on_packet(uv_poll_t *watch, int status, int events)
{
    struct sockaddr_storage from;
    socklen_t size = sizeof(from);
    (void)watch;
    (void)events;
    assert_int_equal(status, 0);
    ssize_t n = recvfrom(world.client, world.packet, sizeof(world.packet), 0,
                         (struct sockaddr *)&from, &size);
    assert_true(n > 0);
    assert_true(tftp_parse((struct str){world.packet, (size_t)n}, &world.got));
    if (world.got.opcode == TFTP_DATA) {
        const char ack[] = {0, TFTP_ACK, 0, 1};
        assert_int_equal(sendto(world.client, ack, sizeof(ack), 0, (struct sockaddr *)&from, size),
                         sizeof(ack));
    }
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void open_client(void)
{
    world.client = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(world.client >= 0);
    assert_int_equal(uv_poll_init(&world.loop, &world.watch, world.client), 0);
    uv_poll_start(&world.watch, UV_READABLE, on_packet);
}

static int open_with_deadline(uint32_t answer_ms)
{
    const struct tftp_limits limits = {
        .transfers = 10, .transfers_per_address = 10, .windowsize = 1, .answer_ms = answer_ms};
    struct err e;
    memset(&world, 0, sizeof(world));
    world.port = (struct exchange_port){.begin = on_begin, .end = on_end};
    uv_loop_init(&world.loop);
    uv_timer_init(&world.loop, &world.tick);
    uv_timer_start(&world.tick, on_tick, 5, 5);
    tftp_server_new(&world.loop, &world.port, NULL, &limits, &world.server);
    assert_true(endpoint_parse(STR("127.0.0.1:0"), &world.at));
    const struct listener l = {
        .fd = datagram_listen(world.at, &e), .kind = LISTENER_TFTP, .name = "tftp"};
    assert_true(l.fd >= 0);
    world.at = socket_endpoint(l.fd);
    assert_int_equal(tftp_server_listen(world.server, &l, &e), 0);
    open_client();
    return 0;
}

static int open_world(void **state)
{
    (void)state;
    return open_with_deadline(0);
}

static int open_impatient(void **state)
{
    (void)state;
    return open_with_deadline(300);
}

static void on_drained(void *cls)
{
    (void)cls;
    world.drained = true;
    tftp_server_free(world.server);
}

static void drain(void)
{
    tftp_server_drain(world.server, 0, on_drained, NULL);
    uv_close((uv_handle_t *)&world.tick, NULL);
    uv_close((uv_handle_t *)&world.watch, NULL);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    close(world.client);
}

static int close_world(void **state)
{
    (void)state;
    if (!world.drained)
        drain();
    return uv_loop_close(&world.loop);
}

static void ask(const char *file)
{
    struct buf b;
    struct sockaddr_storage to;
    buf_init(&b, 600);
    const struct tftp_packet rrq = {.opcode = TFTP_RRQ, .file = str_from(file), .mode = TFTP_OCTET};
    assert_true(tftp_write(&b, &rrq));
    socklen_t size = socket_address(world.at, &to);
    assert_int_equal(sendto(world.client, b.p, b.n, 0, (struct sockaddr *)&to, size), b.n);
    buf_done(&b);
}

static const struct tftp_counters *counters(void)
{
    return tftp_server_counters(world.server);
}

/* Until `*counter` is `n`. */
static void run_until(const uint64_t *counter, uint64_t n)
{
    while (*counter < n)
        uv_run(&world.loop, UV_RUN_ONCE);
}

static void run_until_steps(unsigned n)
{
    while (world.steps < n)
        uv_run(&world.loop, UV_RUN_ONCE);
}

/* --- The tests ------------------------------------------------------------------------------ */

static void a_transfer_waits_for_a_wake(void **state)
{
    (void)state;
    world.wakes_left = 2;
    ask("file");
    run_until_steps(1);
    assert_int_equal(tftp_server_transfers(world.server), 1);
    waiter_wake(world.waiting);
    waiter_wake(world.waiting);       /* twice is once */
    assert_int_equal(world.steps, 1); /* not from within the call */
    run_until_steps(2);
    waiter_wake(world.waiting);
    run_until(&counters()->done, 1);
    assert_int_equal(world.steps, 3);
    assert_int_equal(world.ended, 1);
    assert_int_equal(world.got.opcode, TFTP_DATA);
    assert_str(world.got.rest, "hello");
    waiter_wake(world.waiting); /* it has ended */
    uv_run(&world.loop, UV_RUN_NOWAIT);
    assert_int_equal(world.steps, 3);
}

static void a_wake_within_the_step_goes_on(void **state)
{
    (void)state;
    world.wakes_left = 3;
    ask("self");
    run_until(&counters()->done, 1);
    assert_int_equal(world.steps, 4);
}

/* A client asks again after a second or so, from the same port. */
static void a_repeated_request_is_ignored_while_it_waits(void **state)
{
    (void)state;
    world.wakes_left = 1;
    ask("file");
    run_until_steps(1);
    ask("file");
    ask("file");
    run_until(&counters()->repeated, 2);
    assert_int_equal(world.steps, 1);
    assert_int_equal(tftp_server_transfers(world.server), 1);
    waiter_wake(world.waiting);
    run_until(&counters()->done, 1);
    assert_int_equal(world.steps, 2);
}

static void a_wait_may_end_in_a_refusal(void **state)
{
    (void)state;
    world.wakes_left = 1;
    ask("refused");
    run_until_steps(1);
    waiter_wake(world.waiting);
    run_until(&counters()->refused, 1);
    while (world.got.opcode != TFTP_ERROR)
        uv_run(&world.loop, UV_RUN_ONCE);
    assert_int_equal(world.got.number, TFTP_ACCESS);
    assert_str(world.got.rest, "not you");
    assert_int_equal(world.ended, 1);
}

/* Wakes do not move the deadline. */
static void a_wait_has_a_deadline(void **state)
{
    (void)state;
    world.wakes_left = 1000000;
    ask("file");
    run_until_steps(1);
    uint64_t begun_ms = uv_now(&world.loop);
    waiter_wake(world.waiting);
    run_until(&counters()->failed, 1);
    assert_int_equal(world.steps, 2);
    assert_int_equal(world.ended, 1);
    assert_in_range(uv_now(&world.loop) - begun_ms, 290, 10000);
    while (world.got.opcode != TFTP_ERROR)
        uv_run(&world.loop, UV_RUN_ONCE);
    assert_str(world.got.rest, "the server is too slow: try again");
}

static void a_drain_ends_who_waits(void **state)
{
    (void)state;
    world.wakes_left = 1;
    ask("file");
    run_until_steps(1);
    drain();
    assert_true(world.drained);
    assert_int_equal(world.ended, 1);
}

#define IN_WORLD(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

UNIT_MAIN(IN_WORLD(a_transfer_waits_for_a_wake), IN_WORLD(a_wake_within_the_step_goes_on),
          IN_WORLD(a_repeated_request_is_ignored_while_it_waits),
          IN_WORLD(a_wait_may_end_in_a_refusal),
          cmocka_unit_test_setup_teardown(a_wait_has_a_deadline, open_impatient, close_world),
          IN_WORLD(a_drain_ends_who_waits))
