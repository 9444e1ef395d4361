/** Findings counted by kind and by level; of each kind only the worst are kept, so that a set of any size can be judged. */
import { type FaultCode, meaningOf, severityOf } from './fault.ts';
import type { Finding, FindingPlace } from './report-types.ts';
import { type JudgedTile, type Tiling, tilePath } from './tiling.ts';

interface Entry extends FindingPlace {
  readonly size: number;
  /** In the order of tiles, for those of equal size. */
  readonly order: number;
}

interface Kind {
  count: number;
  readonly worst: Entry[];
}

/** What a ledger holds, as plain JSON: what a thread hands over. */
export interface LedgerPage {
  readonly kinds: readonly (readonly [FaultCode, Kind])[];
  readonly byLevel: readonly (readonly [number, number])[];
}

export const KEPT = 20;

export class Ledger {
  private readonly kinds = new Map<FaultCode, Kind>();
  private readonly byLevel = new Map<number, number>();
  private readonly tiling: Tiling;
  private readonly keep: number;
  private order = 0;

  /** `keep`: occurrences of each kind that are kept. */
  constructor(tiling: Tiling, keep = KEPT) {
    this.tiling = tiling;
    this.keep = keep;
  }

  /** `size`: how bad, for the order within a kind; `id` undefined for the set as a whole. */
  add(code: FaultCode, message: string, id?: JudgedTile, size = 0): void {
    if (id !== undefined && severityOf(code) === 'fault') {
      this.byLevel.set(id.z, (this.byLevel.get(id.z) ?? 0) + 1);
    }
    const kind = this.kindOf(code);
    kind.count++;
    this.insert(kind, { ...this.placeOf(id), message, size, order: this.order++ });
  }

  /** A finding of a level as a whole, at the place where it is worst. */
  addLevel(
    code: FaultCode,
    message: string,
    z: number,
    { tile, lon, lat }: Omit<FindingPlace, 'message'>,
    size: number,
  ): void {
    if (severityOf(code) === 'fault') this.byLevel.set(z, (this.byLevel.get(z) ?? 0) + 1);
    const kind = this.kindOf(code);
    kind.count++;
    this.insert(kind, { tile, lon, lat, message, size, order: this.order++ });
  }

  /** Occurrences of faults at a level, without notes. */
  faultsAt(z: number): number {
    return this.byLevel.get(z) ?? 0;
  }

  page(): LedgerPage {
    return { kinds: [...this.kinds], byLevel: [...this.byLevel] };
  }

  merge({ kinds, byLevel }: LedgerPage): void {
    for (const [code, { count, worst }] of kinds) {
      const kind = this.kindOf(code);
      kind.count += count;
      for (const entry of worst) this.insert(kind, { ...entry, order: this.order++ });
    }
    for (const [z, count] of byLevel) this.byLevel.set(z, (this.byLevel.get(z) ?? 0) + count);
  }

  findings(): Finding[] {
    return [...this.kinds]
      .map(([kind, { count, worst }]) => ({
        kind,
        severity: severityOf(kind),
        meaning: meaningOf(kind),
        count,
        places: worst.map(({ tile, lon, lat, message }) => ({ tile, lon, lat, message })),
      }))
      .sort((a, b) => (a.severity === b.severity ? b.count - a.count : a.severity === 'fault' ? -1 : 1));
  }

  private kindOf(code: FaultCode): Kind {
    const known = this.kinds.get(code);
    if (known !== undefined) return known;
    const fresh = { count: 0, worst: [] };
    this.kinds.set(code, fresh);
    return fresh;
  }

  private insert({ worst }: Kind, entry: Entry): void {
    let at = worst.length;
    while (at > 0 && worst[at - 1].size < entry.size) at--;
    if (at >= this.keep) return;
    worst.splice(at, 0, entry);
    if (worst.length > this.keep) worst.pop();
  }

  private placeOf(id: JudgedTile | undefined): Omit<FindingPlace, 'message'> {
    if (id === undefined) return { tile: undefined, lon: undefined, lat: undefined };
    const { west, south, width, height } = this.tiling.box(id);
    return { tile: tilePath(id, this.tiling), lon: west + width / 2, lat: south + height / 2 };
  }
}
