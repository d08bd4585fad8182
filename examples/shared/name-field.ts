/** A field in which a point is renamed: it says so where another point has that name. */

/**
 * @param name what the point is called now
 * @param point counted from 0
 * @param rename takes the new name; false where it cannot
 */
export const createNameField = (
  name: string,
  point: number,
  rename: (name: string) => boolean,
): HTMLInputElement => {
  const field = document.createElement('input');
  field.type = 'text';
  field.value = name;
  field.setAttribute('aria-label', `Name of point ${point + 1}`);
  field.addEventListener('change', () => {
    const taken = !rename(field.value);
    field.setAttribute('aria-invalid', String(taken));
    field.setCustomValidity(taken ? 'A name that no other point has.' : '');
    field.reportValidity();
  });
  return field;
};
