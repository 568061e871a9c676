import { expect, it } from "vitest";
import { EventParser } from "./sse";

const STREAM = "event: log\nid: 1.1\ndata: {}\n\n: still here\n\nid: 2\r\ndata: a\r\ndata:b\r\n\r\nevent: end\ndata: 1\n\n";

it("gives the events that are whole, wherever the text is cut", () => {
  for (let cut = 0; cut <= STREAM.length; cut += 1) {
    const parser = new EventParser();
    const events = [...parser.push(STREAM.slice(0, cut)), ...parser.push(STREAM.slice(cut))];
    expect(events).toEqual([
      { id: "1.1", type: "log", data: "{}" },
      { id: "2", type: "message", data: "a\nb" },
      { id: "2", type: "end", data: "1" },
    ]);
  }
});

it("gives nothing for comments and for an event without data", () => {
  expect(new EventParser().push(": hello\n\nevent: x\nid: 3\n\n")).toEqual([]);
});
