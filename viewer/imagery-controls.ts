/** The controls of one row in the list of imagery. */
import { make } from './dom.ts';

/** A switch that shows or hides imagery. */
export function showSwitch(name: string, visible: boolean, onChange: (visible: boolean) => void): HTMLInputElement {
  const input = make('input', { type: 'checkbox', class: 'toggle', 'aria-label': `Show ${name}` });
  input.checked = visible;
  input.addEventListener('change', () => onChange(input.checked));
  return input;
}

/** A slider for the opacity of imagery, 0 to 1. */
export function opacitySlider(name: string, opacity: number, onChange: (opacity: number) => void): HTMLElement {
  const input = make('input', { type: 'range', min: '0', max: '100', 'aria-label': `Opacity of ${name}` });
  const value = make('output', {}, `${Math.round(opacity * 100)} %`);
  const fill = () => input.style.setProperty('--part', `${input.value}%`);
  input.value = String(Math.round(opacity * 100));
  fill();
  input.addEventListener('input', () => {
    value.textContent = `${input.value} %`;
    fill();
    onChange(Number(input.value) / 100);
  });
  return make('div', { class: 'opacity' }, make('span', { class: 'name' }, 'Opacity'), input, value);
}
