// SPDX-License-Identifier: Apache-2.0
// A long list of which only the rows in view exist. The page scrolls, not the list, so that it is
// as long as it looks; all rows have the height of --row (app.css).
//
// A row belongs to a key, not to a place: focus stays with what it is on when the order changes.

const BEYOND = 6; // rows above and below what is in view

export class Rows {
    // make(): an element; fill(element, item, index): writes the item into it; keyOf(item).
    constructor(box, {make, fill, keyOf}) {
        Object.assign(this, {box, make, fill, keyOf});
        this.items = [];
        this.shown = new Map(); // key: element
        this.spare = [];
        this.height = 0;
    }

    set(items) {
        this.items = items;
        this.measure();
    }

    measure() {
        this.height =
            parseFloat(getComputedStyle(this.box).getPropertyValue("--row")) *
            parseFloat(getComputedStyle(document.documentElement).fontSize);
        const height = `${this.items.length * this.height}px`;
        if (this.box.style.height !== height) this.box.style.height = height;
    }

    range() {
        const top = this.box.getBoundingClientRect().top;
        const first = Math.floor(-top / this.height) - BEYOND;
        const last = Math.ceil((innerHeight - top) / this.height) + BEYOND;
        return [Math.max(0, first), Math.min(this.items.length, last)];
    }

    // The row that has the focus is kept, wherever it is.
    kept() {
        const row = document.activeElement?.closest(".row");
        return row && row.parentNode === this.box ? row.dataset.key : null;
    }

    render() {
        if (!this.height) return;
        const [first, last] = this.range();
        const wanted = [];
        const kept = this.kept();
        if (kept !== null) {
            const at = this.items.findIndex((item) => this.keyOf(item) === kept);
            if (at >= 0 && (at < first || at >= last)) wanted.push(at);
        }
        for (let i = first; i < last; i++) wanted.push(i);
        if (kept !== null && wanted[0] >= last) wanted.push(wanted.shift());
        this.retire(new Set(wanted.map((i) => this.keyOf(this.items[i]))));
        this.place(wanted);
    }

    retire(keys) {
        for (const [key, row] of this.shown) {
            if (keys.has(key)) continue;
            this.shown.delete(key);
            row.remove();
            this.spare.push(row);
        }
    }

    place(wanted) {
        let next = this.box.firstChild;
        for (const i of wanted) {
            const item = this.items[i],
                key = this.keyOf(item);
            let row = this.shown.get(key);
            if (!row) {
                row = this.spare.pop() ?? this.make();
                row.dataset.key = key;
                this.shown.set(key, row);
            }
            this.fill(row, item, i);
            const y = `translateY(${i * this.height}px)`;
            if (row.style.transform !== y) row.style.transform = y;
            if (row === next) next = row.nextSibling;
            else this.box.insertBefore(row, next);
        }
    }

    // Brings a row into view and gives it.
    reveal(index) {
        const top = this.box.getBoundingClientRect().top + index * this.height;
        const head = document.querySelector(".table-head")?.getBoundingClientRect().bottom ?? 0;
        if (top < head) scrollBy(0, top - head - this.height);
        else if (top + 2 * this.height > innerHeight)
            scrollBy(0, top + 2 * this.height - innerHeight);
        this.render();
        return this.shown.get(this.keyOf(this.items[index]));
    }
}
