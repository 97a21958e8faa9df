/** A line that is joined at its tail, or again at its head, and left at its head, in constant time. */
export class TaskLine<T> {
  /** The head of the line, last one first. */
  private front: T[] = [];
  private readonly back: T[] = [];
  private backFrom = 0;

  get length(): number {
    return this.front.length + this.back.length - this.backFrom;
  }

  get head(): T | undefined {
    return this.front.at(-1) ?? this.back[this.backFrom];
  }

  push(item: T): void {
    this.back.push(item);
  }

  unshift(item: T): void {
    this.front.push(item);
  }

  shift(): T | undefined {
    if (this.front.length > 0) return this.front.pop();
    const item = this.back[this.backFrom];
    if (item === undefined) return undefined;
    this.backFrom += 1;
    // What has left is let go when it is the larger part: each item is moved once at most.
    if (this.backFrom > 1024 && this.backFrom * 2 > this.back.length) {
      this.back.splice(0, this.backFrom);
      this.backFrom = 0;
    }
    return item;
  }
}
