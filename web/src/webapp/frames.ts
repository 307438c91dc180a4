/** Collects what arrives and hands it on once per frame; while the page is hidden, four times a second. */
export class Frames<T> {
  private waiting: T[] = [];
  private cancel: (() => void) | null = null;

  constructor(private readonly deliver: (batch: readonly T[]) => void) {}

  push(item: T): void {
    this.waiting.push(item);
    if (this.cancel) return;
    if (document.hidden) {
      const timer = setTimeout(() => this.flush(), 250);
      this.cancel = () => clearTimeout(timer);
    } else {
      const frame = requestAnimationFrame(() => this.flush());
      // A page that is hidden meanwhile gets no frames.
      const timer = setTimeout(() => this.flush(), 300);
      this.cancel = () => {
        cancelAnimationFrame(frame);
        clearTimeout(timer);
      };
    }
  }

  flush(): void {
    this.cancel?.();
    this.cancel = null;
    const batch = this.waiting;
    this.waiting = [];
    if (batch.length > 0) this.deliver(batch);
  }
}
