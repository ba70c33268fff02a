// Tabs as the ARIA Authoring Practices describe them: one stop for the Tab key, arrows between them.
// https://www.w3.org/WAI/ARIA/apg/patterns/tabs/
import type { KeyboardEvent } from 'react';

interface Props<Name extends string> {
  names: Name[];
  chosen: Name;
  onChoose: (name: Name) => void;
}

export function Tabs<Name extends string>({ names, chosen, onChoose }: Props<Name>) {
  function step({ key }: KeyboardEvent) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (!by) return;
    const next = names[(names.indexOf(chosen) + by + names.length) % names.length]!;
    onChoose(next);
    document.getElementById(`tab-${next}`)?.focus();
  }
  return (
    <div className="tabs" role="tablist" onKeyDown={step}>
      {names.map((name) => (
        <button
          key={name}
          id={`tab-${name}`}
          type="button"
          role="tab"
          aria-selected={name === chosen}
          aria-controls="panel-list"
          tabIndex={name === chosen ? 0 : -1}
          onClick={() => onChoose(name)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}
